"""The status page and its actions.

Promise: shows every process, also while the daemon goes down; an action is awaited and told in a message on the page
that follows. Must not know how requests arrive.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from supervisor.names import make_namespec, split_namespec
from supervisor.rpcinterface import SupervisorNamespaceRPCInterface
from supervisor.rpcinterface.info import all_process_info
from supervisor.states import ProcessStates
from supervisor.web.actions import Action, all_action, process_action
from supervisor.web.page import Controls, status_class, status_page
from supervisor.web.text import quote
from supervisor.web.views import POLICY, MeldView, ViewContext
from supervisor.xmlrpc.deferred import NOT_DONE_YET

__all__ = ["BadForm", "StatusView"]


class BadForm(ValueError):
    """The form asks for nothing that there is."""


class StatusView(MeldView):
    """The page at / and what its buttons do."""

    policy = POLICY
    delay = 0.1
    # Whether actions may run, and the token that buttons post; None makes links of them. Set by the handler.
    may_act = True
    token: str | None = None

    def __init__(self, context: ViewContext) -> None:
        super().__init__(context)
        self.callback: Callable[[], Any] | None = None

    def render(self) -> Any:
        form = self.context.form
        action = form.get("action")
        may_act = self.may_act or action == "refresh"
        if action and may_act:
            if self.callback is None:
                self.callback = self.make_callback(form.get("processname"), action)
            message = self.callback()
            if message is NOT_DONE_YET:
                return NOT_DONE_YET
            if message is not None:
                self.context.response["headers"]["Location"] = f"./?message={quote(message)}"
        message = form.get("message")
        if action and not may_act:
            message = message or "Nothing was changed: links do not act here, the buttons below do"
        return status_page(all_process_info(self.context.supervisord), message, Controls(self.token))

    def make_callback(self, namespec: str | None, action: str) -> Callable[[], Any]:
        """What to call, and call again, for the message about an action on a process or on all."""
        rpc = SupervisorNamespaceRPCInterface(self.context.supervisord)
        callback: Action | None = all_action(rpc, action)
        if callback is None and namespec:
            if not self._is_there(namespec):
                return lambda: f"No such process named {namespec}"
            callback = process_action(rpc, action, namespec)
        if callback is None:
            raise BadForm(action)
        return callback

    def _is_there(self, namespec: str) -> bool:
        group_name, process_name = split_namespec(namespec)
        group = self.context.supervisord.process_groups.get(group_name)
        return group is not None and process_name in group.processes

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
        return status_class(state)
