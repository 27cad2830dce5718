"""An event listener that copies every event to a test. Run by path: standard library only, nothing of ours.

usage: probe.py SOCKET. Sends one JSON line to call home, then one for each event: {"head": line, "payload": text}.
"""

import json
import os
import socket
import sys


def main():
    home = socket.socket(socket.AF_UNIX)
    home.connect(sys.argv[1])

    def say(**message):
        home.sendall(json.dumps(message).encode() + b"\n")

    say(kind="probe", name=os.environ["SUPERVISOR_PROCESS_NAME"], group="", pid=os.getpid())
    stdin = open(0, encoding="utf-8", errors="surrogateescape", newline="")
    os.write(1, b"READY\n")
    for head in stdin:
        length = int(dict(token.split(":", 1) for token in head.split())["len"])
        say(head=head, payload=stdin.read(length))
        os.write(1, b"RESULT 2\nOKREADY\n")


if __name__ == "__main__":
    main()
