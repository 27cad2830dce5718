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
today = f"Supervisor {VERSION}"     # where manual pages show a date: the same on every day
man_pages = [
    ("man/supervisord", "supervisord", "keep a set of programs running", "", "1"),
    ("man/supervisorctl", "supervisorctl", "command programs that supervisord runs", "", "1"),
    ("man/supervisord.conf", "supervisord.conf", "configuration of supervisord and supervisorctl", "", "5"),
    ("man/echo_supervisord_conf", "echo_supervisord_conf", "print a sample configuration", "", "1"),
    ("man/pidproxy", "pidproxy", "run a command and pass signals on to its pid file", "", "1"),
]
man_show_urls = True
html_theme = "alabaster"
nitpicky = True
smartquotes = False         # quotes and dashes in prose are often typed into a terminal
