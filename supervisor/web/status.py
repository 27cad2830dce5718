"""The status page and its actions.

Promise: shows every process, also while the daemon goes down; an action is awaited and told in a message on the page
that follows. Must not know how requests arrive.
"""

from __future__ import annotations

from collections.abc import Callable

from supervisor.hints import TYPE_CHECKING, Any
from supervisor.late import Late
from supervisor.names import make_namespec
from supervisor.process.lookup import find_process
from supervisor.rpcinterface import SupervisorNamespaceRPCInterface
from supervisor.rpcinterface.facts import all_process_briefs
from supervisor.states import ProcessStates
from supervisor.web.journal import Journal
from supervisor.web.page import Surroundings, ask_page, status_page
from supervisor.web.proc import AVAILABLE
from supervisor.web.rows import Filter, status_class
from supervisor.web.text import quote
from supervisor.web.views import LONGEST_VALUE, POLICY, MeldView, ViewContext
from supervisor.xmlrpc.deferred import NOT_DONE_YET

if TYPE_CHECKING:
    from supervisor.web import actions
else:
    actions = Late("supervisor.web.actions")

__all__ = ["BadForm", "StatusView"]

_BY_LINK = "Nothing has been changed yet."
_OLD_FORM = "The page that this came from is not, or no longer, one of ours: nothing was changed."


class BadForm(ValueError):
    """The form asks for nothing that there is."""


class StatusView(MeldView):
    """The page at / and what its buttons do."""

    policy = POLICY
    longest_value = LONGEST_VALUE
    delay = 0.1
    # Set by the handler: whether actions may run, whether that was refused for want of a token, the token for forms.
    may_act = True
    refused = False
    token: str | None = None

    def __init__(self, context: ViewContext) -> None:
        super().__init__(context)
        self.callback: Callable[[], Any] | None = None

    def render(self) -> Any:
        form = self.context.form
        action = form.get("action")
        message = form.get("message")
        if action and (self.may_act or action == "refresh"):
            if self.callback is None:
                self.callback = self.make_callback(form.get("processname"), action)
            message = self.callback()
            if message is NOT_DONE_YET:
                return NOT_DONE_YET
            if message is not None:
                return self._acted(message)
        elif action:
            return self._ask(action)
        return self._page(message)

    def _acted(self, message: str) -> str:
        """On to a page that shows the message; a script that asks for plain text gets it at once."""
        request, form = self.context.request, self.context.form
        if request.command == "POST" and request.get_header("accept") == "text/plain":
            self.content_type = "text/plain;charset=utf-8"
            return message
        where = f"./?message={quote(message)}"
        if form.get("back") == "process" and "processname" in form:
            where = f"process.html?processname={quote(form['processname'])}&message={quote(message)}"
        for name in ("filter", "state"):
            if name in form:
                where += f"&{name}={quote(form[name])}"
        self.context.response["headers"]["Location"] = where
        return ""

    def _ask(self, action: str) -> str:
        form = self.context.form
        text = actions.question(action, form.get("processname"), form.get("groupname"))
        if text is None:
            raise BadForm(action)
        passed_on = ("action", "processname", "groupname", "back", "filter", "state")
        fields: dict[str, str] = {name: form[name] for name in passed_on if name in form}
        return ask_page(text, fields, self.token, _OLD_FORM if self.refused else _BY_LINK)

    def _page(self, message: str | None) -> str:
        form, supervisord = self.context.form, self.context.supervisord
        journal = Journal.of(supervisord)
        around = Surroundings(
            token=self.token,
            message=message,
            identifier=supervisord.options.identifier,
            only=Filter(form.get("filter", ""), form.get("state", "")),
            at=journal.at,
            now=supervisord.loop.clock.wall(),
            restarts=journal.restarts_by_minute(),
            usage=AVAILABLE,
        )
        return status_page(all_process_briefs(supervisord), around)

    def make_callback(self, namespec: str | None, action: str) -> Callable[[], Any]:
        """What to call, and call again, for the message about an action on a process, a group or all."""
        supervisord = self.context.supervisord
        rpc = SupervisorNamespaceRPCInterface(supervisord)
        callback: actions.Action | None = actions.all_action(rpc, action)
        if callback is None and namespec:
            if find_process(supervisord, namespec)[1] is None:
                return lambda: f"No such process named {namespec}"
            callback = actions.process_action(rpc, action, namespec)
        group = self.context.form.get("groupname")
        if callback is None and group:
            if group not in supervisord.process_groups:
                return lambda: f"No such group named {group}"
            callback = actions.group_action(rpc, action, group)
        if callback is None:
            raise BadForm(action)
        return callback

    def actions_for_process(self, process: Any) -> list[dict[str, str | None] | None]:
        """The links of a process, for plugins' pages: dictionaries of href, name and target."""
        name = quote(make_namespec(process.group.config.name, process.config.name))

        def act(label: str, action: str) -> dict[str, str | None]:
            return {"name": label, "href": f"index.html?processname={name}&action={action}", "target": None}

        def tail(label: str, channel: str) -> dict[str, str | None]:
            return {"name": label, "href": f"logtail/{name}{channel}", "target": "_blank"}

        state = process.get_state()
        first: list[dict[str, str | None] | None] = [None, None]
        if state == ProcessStates.RUNNING:
            first = [act("Restart", "restart"), act("Stop", "stop")]
        elif state in (ProcessStates.STOPPED, ProcessStates.EXITED, ProcessStates.FATAL):
            first = [act("Start", "start"), None]
        return [*first, act("Clear Log", "clearlog"), tail("Tail -f Stdout", ""), tail("Tail -f Stderr", "/stderr")]

    def css_class_for_state(self, state: int) -> str:
        """How a state looks, for plugins' pages: statusrunning, statuserror or statusnominal."""
        return status_class(state)
