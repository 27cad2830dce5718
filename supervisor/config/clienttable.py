"""Rows of ``[supervisorctl]``, apart from the others so that supervisorctl starts quickly.

Must not know: the daemon's options.
"""

from __future__ import annotations

from supervisor.config.option import HERE, Option, Table, text

SUPERVISORCTL = Table(
    "supervisorctl",
    Option("serverurl", text, "http://localhost:9001", expand=HERE, sample="on",
           example="unix:///tmp/supervisor.sock", shown="http://localhost:9001",
           help="Where supervisord listens: a unix:// path or an http:// address."),
    Option("username", text, sample="off", example="chris", shown="none",
           help="User name for a server with a password."),
    Option("password", text, sample="off", example="123", shown="none",
           help="Password for a server with a password."),
    Option("prompt", text, "supervisor", sample="off", example="mysupervisor", shown="supervisor",
           help="What the shell shows before the cursor."),
    Option("history_file", text, expand=HERE, since="3.0a5", sample="off", example="~/.sc_history", shown="none",
           help="File in which the shell keeps the lines typed."),
)
