"""Directives that draw tables from the code, so that a fact stands in one place.

``.. generated:: NAME`` puts in the reST that GENERATORS[NAME] returns.
"""

from docs_tables import GENERATORS
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective


class Generated(SphinxDirective):
    required_arguments = 1

    def run(self):
        text = GENERATORS[self.arguments[0]]()
        node = nodes.section()
        node.document = self.state.document
        self.state.nested_parse(StringList(text.splitlines(), source=self.arguments[0]), self.content_offset, node)
        return node.children


def setup(app):
    app.add_directive("generated", Generated)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
