"""Tells what to type in another terminal."""

import sys

if __name__ == "__main__":
    print(f"""
  In another terminal:  supervisorctl -c {sys.argv[1]} status
  In a browser:         http://127.0.0.1:9001
  Ctrl-C here ends it all.
""")
