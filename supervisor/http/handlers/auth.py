"""Asking for user and password before a handler sees a request.

Promise: nothing about a request is acted on before its credentials are right; who gives the right ones is never
locked out; no log line or answer holds credentials. Knows no stored form of a password.
"""

from __future__ import annotations

from collections.abc import Mapping

from supervisor.engine.seldom import Seldom
from supervisor.hints import TYPE_CHECKING, Any
from supervisor.http.kinds import Handler
from supervisor.http.passwords import Verifier, encrypted_dictionary_authorizer
from supervisor.http.request import deferring_http_request
from supervisor.late import Late

if TYPE_CHECKING:
    import base64
else:
    base64 = Late("base64")

__all__ = ["FailedLogins", "supervisor_auth_handler"]

# Wrong passwords from one address: so many at once, so many each second thereafter; then the answer is 429.
_FAILURES_AT_ONCE = 50
_FAILURES_PER_SECOND = 1.0
_ADDRESSES = 256


class FailedLogins:
    """Counts them by address; tells of the first at once, of the others in sums."""

    def __init__(self) -> None:
        self._debts: dict[str, tuple[float, float]] = {}
        self._seldom = Seldom(1)

    def add(self, request: deferring_http_request) -> bool:
        """One more; whether that was one too many."""
        server = request.server
        now = server.loop.clock.now()
        peer = request.channel.addr[0]
        more = self._seldom.more(now)
        if more is not None:
            server.log_warning(f"failed login from {peer} on {server.where}{more}")
        debt, since = self._debts.pop(peer, (0.0, now))
        debt = max(0.0, debt - (now - since) * _FAILURES_PER_SECOND) + 1.0
        self._debts[peer] = (min(debt, _FAILURES_AT_ONCE + 1.0), now)
        if len(self._debts) > _ADDRESSES:
            del self._debts[next(iter(self._debts))]
        return debt > _FAILURES_AT_ONCE


class supervisor_auth_handler:
    """Basic authentication in front of another handler."""

    # Where a request comes from is looked at after who sends it.
    judges_origin = True

    def __init__(
        self, dict: Mapping[str, str], handler: Handler, realm: str = "default",
        verifier: Verifier | None = None, failures: FailedLogins | None = None,
    ) -> None:
        self.handler = handler
        self.realm = realm
        self.authorizer = encrypted_dictionary_authorizer(dict)
        self._verifier = verifier or Verifier(self.authorizer)
        self._failures = failures or FailedLogins()

    def match(self, request: deferring_http_request) -> Any:
        return self.handler.match(request)

    def handle_request(self, request: deferring_http_request) -> None:
        header = request.get_header("authorization") or ""
        scheme, _, value = header.partition(" ")
        value = value.strip()
        if scheme.lower() != "basic" or not value:
            self.handle_unauthorized(request)
            return
        try:
            # What does not belong there is passed over; what then makes no sense is wrong, and asked for again.
            plain = base64.b64decode(value)
        except ValueError:
            self._failures.add(request)
            request.close_after()
            request.error(400)
            return
        user, colon, password = plain.partition(b":")
        if not colon:
            self._verdict(request, False)
            return
        self._verifier.check(user, password, request.channel.addr[0], request.server.loop,
                             lambda right: self._verdict(request, right))

    def handle_unauthorized(self, request: deferring_http_request) -> None:
        """Ask for credentials."""
        request.close_after()
        request["WWW-Authenticate"] = f'Basic realm="{self.realm}"'
        request.error(401)

    def _verdict(self, request: deferring_http_request, right: bool | None) -> None:
        if request.closed:
            return
        if right:
            refusal = request.server.refusal(request)
            if refusal is None:
                self._pass_on(request)
            else:
                request.error(403, refusal)
        elif right is None or self._failures.add(request):
            request.close_after()
            request["Retry-After"] = "1"
            request.error(429)
        else:
            self.handle_unauthorized(request)

    def _pass_on(self, request: deferring_http_request) -> None:
        try:
            self.handler.handle_request(request)
        except BaseException as exc:
            request.failed(exc)
