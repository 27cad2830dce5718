"""An event listener with the bare protocol: reads events on stdin, answers on stdout, reports on stderr."""

import sys

if __name__ == "__main__":
    while True:
        print("READY")
        header = dict(token.split(":", 1) for token in sys.stdin.readline().split())
        if not header:
            break
        print(header["eventname"], sys.stdin.read(int(header["len"])), file=sys.stderr)
        print("RESULT 2\nOK", end="", flush=True)
