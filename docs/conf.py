"""Sphinx settings. Tables of options, methods and states are generated from the code's own tables."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
sys.path.insert(0, str(pathlib.Path(__file__).parent))

from supervisor.version import VERSION

project = "Supervisor"
author = "The Supervisor maintainers"
copyright = "2026, " + author
version = release = VERSION
extensions = ["generated"]
exclude_patterns = ["_build"]
html_theme = "alabaster"
nitpicky = True
