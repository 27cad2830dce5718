"""echo_supervisord_conf: prints the sample configuration.

Takes no options; what it prints comes from the option tables. Must not know: options.
"""

from __future__ import annotations

import sys
from typing import TextIO

from supervisor.config.sample import sample


def main(out: TextIO | None = None) -> None:
    """Writes the sample to standard output, or to the stream given."""
    stream = sys.stdout if out is None else out
    try:
        stream.write(sample())
        stream.flush()
    except BrokenPipeError:
        sys.exit(1)


if __name__ == "__main__":
    main()
