"""A supervisorctl plugin as other people write them."""

from supervisor.supervisorctl import ControllerPluginBase


class Plugin(ControllerPluginBase):
    name = "friendly"

    def __init__(self, controller, options):
        self.ctl = controller
        self.options = options

    def do_greet(self, arg):
        """greet NAME\t\tSay hello"""
        if not self.ctl.upcheck():
            return
        state = self.ctl.get_supervisor().getState()["statename"]
        self.ctl.output(f"hello {arg!r}, {state}, {sorted(self.options.items())}")

    def do_each_one(self, arg):
        for name in arg.split():
            self.ctl.onecmd(f"status {name}")

    def help_each_one(self):
        self.ctl.output("each_one NAME...\tstatus of each")

    def do_refuse(self, arg):
        self.ctl.output(f"refused: {self.ctl.get_server_proxy('more').getOptions()}")
        self.ctl.exitstatus = 5


def make(controller, **options):
    return Plugin(controller, options)
