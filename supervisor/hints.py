"""The names of ``typing`` that annotations here use, without loading it.

Promise: type checkers see the real ones. Must not be used by anything that looks at annotations while it runs.

Fact this rests on: annotations are kept as text, so a running daemon needs none of these names but as bases of classes,
while ``typing`` with what it loads takes 0.5 MB of the daemon's memory and 3 ms of every start.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any as Any
    from typing import ClassVar as ClassVar
    from typing import Protocol as Protocol
    from typing import TextIO as TextIO
else:
    Any = ClassVar = TextIO = object

    class Protocol:
        """What a collaborator has to offer."""

__all__ = ["TYPE_CHECKING", "Any", "ClassVar", "Protocol", "TextIO"]
