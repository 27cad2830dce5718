"""Everything is declared in setup.cfg; this file lets old tools build the distribution."""

from setuptools import setup

setup()
