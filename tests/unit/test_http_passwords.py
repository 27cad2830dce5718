"""Stored forms of passwords, and checking without stalling."""

from __future__ import annotations

import base64
import hashlib

import pytest

from supervisor.http import passwords
from supervisor.http.passwords import Verifier, encrypted_dictionary_authorizer
from tests.fakes import fake_loop


def slow(password: str, rounds: int = 1, scheme: str = "sha256", alphabet: str = "+") -> str:
    salt = b"\xfb\xff salt"
    digest = hashlib.pbkdf2_hmac(scheme, password.encode(), salt, rounds)
    texts = [base64.b64encode(part).decode().rstrip("=").replace("+", alphabet) for part in (salt, digest)]
    return f"{{PBKDF2-{scheme.upper()}}}{rounds}${texts[0]}${texts[1]}"


@pytest.mark.parametrize("stored, password, right", [
    ("secret", "secret", True), ("secret", "Secret", False), ("secret", "", False), ("pa:ss wörd", "pa:ss wörd", True),
    ("{SHA}" + hashlib.sha1(b"secret").hexdigest(), "secret", True),
    ("{SHA}" + hashlib.sha1(b"secret").hexdigest().upper(), "secret", False),
    ("{SHA}" + hashlib.sha1(b"secret").hexdigest(), "{SHA}" + hashlib.sha1(b"secret").hexdigest(), False),
    ("{sha}" + hashlib.sha1(b"secret").hexdigest(), "secret", False),
    ("{sha}x", "{sha}x", True),
    ("{SHA256}" + hashlib.sha256(b"secret").hexdigest(), "secret", True),
    ("{SHA256}" + hashlib.sha256(b"secret").hexdigest(), "other", False),
    (slow("secret"), "secret", True), (slow("secret"), "other", False), (slow("secret", alphabet="."), "secret", True),
    (slow("secret", 3, "sha512"), "secret", True), (slow("secret"), slow("secret"), False),
    ("{PBKDF2-SHA256}x$y$z", "secret", False), ("{PBKDF2-NONE}1$c2FsdA$c2FsdA", "secret", False),
    ("{PBKDF2-SHA256}1", "secret", False), ("{PBKDF2-SHA256}0$c2FsdA$c2FsdA", "secret", False),
    ("{PBKDF2-SHA256}10000001$c2FsdA$c2FsdA", "secret", False), (slow("secret", 1, "md5"), "secret", False),
])
def test_forms(stored: str, password: str, right: bool) -> None:
    authorizer = encrypted_dictionary_authorizer({"user": stored})
    assert authorizer.authorize(("user", password)) is right
    assert authorizer.authorize((b"user", password.encode())) is right
    assert authorizer.authorize(("User", password)) is False


class Counting(encrypted_dictionary_authorizer):
    """Knows how often it was asked; each time takes a second."""

    def __init__(self, stored: str) -> None:
        super().__init__({"user": stored})
        self.asked: list[bytes] = []
        self.loop, _, self.clock, _ = fake_loop()

    def authorize(self, auth_info: tuple[str | bytes, str | bytes]) -> bool:
        self.asked.append(bytes(auth_info[1]))  # type: ignore[arg-type]
        self.clock.advance(1)
        return super().authorize(auth_info)


def test_cheap_forms_are_told_at_once() -> None:
    authorizer, told = Counting("secret"), []
    verifier = Verifier(authorizer)
    verifier.check(b"user", b"secret", "peer", authorizer.loop, told.append)
    verifier.check(b"user", b"other", "peer", authorizer.loop, told.append)
    assert told == [True, False]


def test_costly_forms_wait_their_turn_and_are_remembered() -> None:
    authorizer, told = Counting(slow("secret")), []
    verifier, loop = Verifier(authorizer), authorizer.loop
    for password in (b"other", b"other", b"secret"):
        verifier.check(b"user", password, "peer", loop, told.append)
    assert told == []
    loop.turn()
    assert told == [True]
    before = authorizer.clock.now()
    loop.turn()
    assert authorizer.clock.now() - before >= 4
    assert told == [True, False, False]
    verifier.check(b"user", b"secret", "peer", loop, told.append)
    verifier.check(b"user", b"other", "peer", loop, told.append)
    assert told == [True, False, False, True, False]
    assert authorizer.asked == [b"secret", b"other"]


def test_who_guesses_much_is_turned_away_and_not_the_others() -> None:
    authorizer, told, honest = Counting(slow("secret")), [], []
    verifier, loop = Verifier(authorizer), authorizer.loop
    for n in range(passwords._WAITING):
        verifier.check(b"user", b"%d" % n, "guesser", loop, told.append)
    verifier.check(b"user", b"secret", "honest", loop, honest.append)
    assert told == [None] and honest == []
    for _ in range(3 * passwords._WAITING):
        loop.turn()
    assert honest == [True]
    for n in range(1000, 1000 + passwords._REMEMBERED):
        verifier.check(b"user", b"%d" % n, "guesser", loop, told.append)
        loop.turn()
        loop.turn()
    verifier.check(b"user", b"secret", "honest", loop, honest.append)
    assert honest == [True, True]


def test_who_comes_after_a_burst_of_guesses_is_next() -> None:
    """From the same address, too: behind a proxy or on this machine all have one."""
    authorizer, told, honest = Counting(slow("secret")), [], []
    verifier, loop = Verifier(authorizer), authorizer.loop
    for n in range(3 * passwords._WAITING):
        verifier.check(b"user", b"%d" % n, "here", loop, told.append)
    verifier.check(b"user", b"secret", "here", loop, honest.append)
    loop.turn()
    loop.turn()
    assert honest == [True] and len(authorizer.asked) <= 2
    for _ in range(3 * passwords._WAITING):
        loop.turn()
    assert set(told) == {None, False} and len(told) == 3 * passwords._WAITING
