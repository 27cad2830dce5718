"""Counts, at a pace of its own."""

import itertools
import sys
import time

if __name__ == "__main__":
    for number in itertools.count():
        print("counter", sys.argv[1], "at", number)
        time.sleep(2)
