"""Tells what to type in another terminal: with the programs of .venv where supervisord was started beside it."""

import os
import sys

if __name__ == "__main__":
    beside = os.path.join(os.getcwd(), ".venv", "bin", "supervisorctl")
    program = beside if os.path.exists(beside) else "supervisorctl"
    print(f"""
  In another terminal:  {program} -c {sys.argv[1]} status
  In a browser:         http://127.0.0.1:9001
  Ctrl-C here ends it all.
""")
