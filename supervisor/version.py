"""The version of the distribution. Nothing else lives here, so that the build can read it."""

VERSION = "4.3.1"
