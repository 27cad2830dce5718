"""Whether a password is the one that is stored, in any of the stored forms.

Promise: comparing takes as long for a near miss as for a far one; of costly hashes at most a few are worked out each
second, and a password that was right once is known at once from then on. Keeps no password in the clear but the
configured one. Knows no request.
"""

from __future__ import annotations

import os
from _operator import _compare_digest as compare_digest  # what hmac has it from; hmac loads OpenSSL
from collections import OrderedDict
from collections.abc import Callable, Mapping

from supervisor.datatypes.passwords import SLOW, slow_hash
from supervisor.engine.loop import Loop
from supervisor.hints import TYPE_CHECKING
from supervisor.late import Late, load

if TYPE_CHECKING:
    import hashlib
    import hmac
else:
    hashlib = Late("hashlib")
    hmac = Late("hmac")

__all__ = ["Verifier", "encrypted_dictionary_authorizer"]

_REMEMBERED = 64
# Costly comparisons that may wait at a time, and how long the loop has for others after each, as a multiple.
_WAITING = 32
_REST = 4.0

Verdict = Callable[["bool | None"], object]


class encrypted_dictionary_authorizer:
    """Users and their stored passwords."""

    def __init__(self, users: Mapping[str, str]) -> None:
        self.dict = users
        if any(stored.startswith("{") for stored in users.values()):
            # Loaded while no descriptors are left, hashlib would lack its functions for ever.
            load("hashlib", "hmac")

    def authorize(self, auth_info: tuple[str | bytes, str | bytes]) -> bool:
        """Whether (user, password) is right. Takes the time that a costly hash takes."""
        user, password = (_as_bytes(part) for part in auth_info)
        return self._matches(user, password, False)

    def is_costly(self, user: bytes) -> bool:
        """Whether comparing with the user's stored password takes the time of a costly hash."""
        stored = self._stored(user)
        return stored is not None and stored.startswith(SLOW)

    def _stored(self, user: bytes) -> str | None:
        found = None
        for name, stored in self.dict.items():
            # All are compared, so that the time does not tell which one it is.
            if compare_digest(name.encode(), user):
                found = stored
        return found

    def _matches(self, user: bytes, password: bytes, cheap_only: bool) -> bool:
        stored = self._stored(user)
        if stored is None:
            compare_digest(password, password)
            return False
        if stored.startswith("{SHA}"):
            return _same(hashlib.sha1(password).hexdigest(), stored[5:])
        if stored.startswith("{SHA256}"):
            return _same(hashlib.sha256(password).hexdigest(), stored[8:])
        if stored.startswith(SLOW):
            return not cheap_only and _same_slow(password, stored)
        return compare_digest(password, stored.encode())


class Verifier:
    """Checks credentials without keeping the loop from its work."""

    def __init__(self, authorizer: encrypted_dictionary_authorizer) -> None:
        self._authorizer = authorizer
        self._key = os.urandom(32)
        self._known: OrderedDict[bytes, bool] = OrderedDict()
        self._waiting: OrderedDict[bytes, tuple[bytes, bytes, str, list[Verdict]]] = OrderedDict()
        self._busy = False

    def check(self, user: bytes, password: bytes, peer: str, loop: Loop, tell: Verdict) -> None:
        """tell(True or False), now or soon; tell(None) when there are too many to check."""
        if not self._authorizer.is_costly(user):
            tell(self._authorizer.authorize((user, password)))
            return
        # No other user and password give the same text.
        mark = hmac.digest(self._key, b"%d:%b:%b" % (len(user), user, password), "sha256")
        known = self._known.get(mark)
        if known is not None:
            tell(known)
            return
        if mark in self._waiting:
            self._waiting[mark][3].append(tell)
            return
        self._waiting[mark] = (user, password, peer, [tell])
        if len(self._waiting) > _WAITING:
            self._turn_away()
        if not self._busy:
            self._busy = True
            loop.call_soon(self._work, loop)

    def _work(self, loop: Loop) -> None:
        if not self._waiting:
            self._busy = False
            return
        mark = self._next()
        user, password, _, tells = self._waiting.pop(mark)
        began = loop.clock.now()
        right = self._authorizer.authorize((user, password))
        loop.call_later((loop.clock.now() - began) * _REST, self._work, loop)
        self._remember(mark, right)
        for tell in tells:
            tell(right)

    def _remember(self, mark: bytes, right: bool) -> None:
        self._known[mark] = right
        if len(self._known) > _REMEMBERED:
            # What was wrong goes first: who is right shall not pay for those who guess.
            wrong = next((known for known, verdict in self._known.items() if not verdict), None)
            if wrong is None:
                self._known.popitem(last=False)
            else:
                del self._known[wrong]

    def _next(self) -> bytes:
        """The newest one of the address that has fewest waiting: a burst of guesses is not in the way of who comes
        after it, not even from the same address."""
        counts = self._counts()
        quietest = min(counts, key=lambda peer: counts[peer])
        return next(mark for mark in reversed(self._waiting) if self._waiting[mark][2] == quietest)

    def _turn_away(self) -> None:
        """The oldest one of the address that has most of them waiting."""
        counts = self._counts()
        busiest = max(counts, key=lambda peer: counts[peer])
        mark = next(mark for mark, waiting in self._waiting.items() if waiting[2] == busiest)
        for tell in self._waiting.pop(mark)[3]:
            tell(None)

    def _counts(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for _, _, peer, _ in self._waiting.values():
            counts[peer] = counts.get(peer, 0) + 1
        return counts


def _same(one: str, other: str) -> bool:
    return compare_digest(one.encode(), other.encode())


def _same_slow(password: bytes, stored: str) -> bool:
    try:
        scheme, iterations, salt, wanted = slow_hash(stored)
    except ValueError:
        return False  # nobody gets in with what is no form
    return compare_digest(hashlib.pbkdf2_hmac(scheme, password, salt, iterations, len(wanted)), wanted)


def _as_bytes(part: str | bytes) -> bytes:
    return part.encode() if isinstance(part, str) else part
