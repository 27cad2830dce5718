"""Which browser a form comes from: a cookie, and the token that goes with it.

Promise: a page of another site can neither read the token nor make it, even if it manages to set the cookie. Must not
know what a form does.

The cookie holds a random text and no secret. Cookies do not tell ports apart, so several daemons on one host see the
same one; each makes its own token of it.
"""

from __future__ import annotations

import os
from _operator import _compare_digest as compare_digest  # what hmac has it from

from supervisor.hints import Any

try:
    # What hashlib gives too; but that loads OpenSSL, which looking at a page does not need.
    from _blake2 import blake2b
except ModuleNotFoundError:  # and not because there is no descriptor to read it with, which will pass
    from hashlib import blake2b

__all__ = ["Session"]

_NAME = "supervisor_session"
_LENGTH = 32

# One for each run of the daemon.
_SECRET = os.urandom(32)


class Session:
    """A browser's session with our pages."""

    def __init__(self, request: Any) -> None:
        known = _known(request.get_header("cookie"))
        self._text = known or os.urandom(_LENGTH // 2).hex()
        # For the header Set-Cookie; None when the browser has it already.
        self.cookie = None if known else f"{_NAME}={self._text}; HttpOnly; SameSite=Strict"

    @property
    def token(self) -> str:
        """What the forms of this session carry."""
        return blake2b(self._text.encode(), digest_size=_LENGTH // 2, key=_SECRET).hexdigest()

    def accepts(self, token: str | None) -> bool:
        """Whether a form of this session was sent."""
        return self.cookie is None and token is not None and compare_digest(
            token.encode("utf-8", "replace"), self.token.encode())


def _known(header: str | None) -> str | None:
    for cookie in (header or "").split(";"):
        name, _, value = cookie.strip().partition("=")
        if name == _NAME and len(value) == _LENGTH and not set(value) - set("0123456789abcdef"):
            return value
    return None
