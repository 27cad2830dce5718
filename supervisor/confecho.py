"""echo_supervisord_conf: prints the sample configuration.

Takes no options; what it prints comes from the option tables. Must not know: options.
"""

from __future__ import annotations

from supervisor.config.sample import sample
from supervisor.hints import TextIO
from supervisor.printing import show


def main(out: TextIO | None = None) -> None:
    """Writes the sample to standard output, or to the stream given."""
    show(sample(), out)


if __name__ == "__main__":
    main()
