"""What comes of bytes that arrive in pieces, for tests that cut them in different places."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from supervisor.dispatchers.capture import Capture, Found
from supervisor.http.parser import Head, RequestParser


def captured(pieces: Iterable[bytes]) -> list[tuple[Found, bytes]]:
    """What a capture finds in a child's output, neighbours of one kind taken together."""
    capture = Capture()
    found: list[tuple[Found, bytes]] = []
    for item in [item for piece in pieces for item in capture.feed(piece)] + [(Found.OUTPUT, capture.finish())]:
        if found and found[-1][0] is item[0] and item[0] is not Found.END:
            found[-1] = (item[0], found[-1][1] + item[1])
        elif item[1] or item[0] is Found.END:
            found.append(item)
    return found


def requests(parser: RequestParser, pieces: Iterable[bytes]) -> Iterator[tuple[Head, bytes]]:
    """Head and body of each request as soon as it is complete."""
    head: Head | None = None
    for piece in pieces:
        parser.feed(piece)
        while True:
            head = head or parser.head()
            body = parser.body() if head is not None else None
            if head is None or body is None:
                break
            yield head, body
            head = None
