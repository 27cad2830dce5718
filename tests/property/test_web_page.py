"""Pages of any names and texts."""

from __future__ import annotations

import xml.dom.minidom
from typing import Any
from urllib.parse import parse_qs, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from supervisor.names import make_namespec
from supervisor.rpcinterface.facts import Brief
from supervisor.states import ProcessStates
from supervisor.web.page import Surroundings, ask_page, status_page
from supervisor.web.rows import Filter, row
from supervisor.web.text import escape

STATES = [code for name, code in vars(ProcessStates).items() if not name.startswith("_")]
# What XML itself, or whoever takes a text for markup, a pattern or a format, could stumble over.
texts = st.one_of(
    st.text(max_size=20),
    st.lists(st.sampled_from([*"<>&'\"%{}\\;#?/: \t\r\n\0\1\2\3\x1b\x7f\udc80\u202e\ufffe", "]]>", "<!--", "&lt;",
                              "%(name)s", "</script>"]), max_size=8).map("".join),
)
briefs = st.tuples(
    texts, texts, st.one_of(st.sampled_from(STATES), st.integers(0, 2000)), st.integers(0, 2**31), texts, st.booleans(),
)


def text_of(node: Any) -> str:
    return node.data if node.nodeType == node.TEXT_NODE else "".join(map(text_of, node.childNodes))


def shown(text: str) -> str:
    """What a reader of XML gets of it."""
    return text_of(xml.dom.minidom.parseString(f"<p>{escape(text)}</p>"))


def url_part(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


@given(brief=briefs)
def test_a_row_is_one_row_whatever_the_names_are(brief: Brief) -> None:
    group, name, state, _, description, _ = brief
    if state == ProcessStates.RUNNING:
        description = "pid 1"  # made of numbers
        brief = (*brief[:4], description, brief[5])
    namespec = make_namespec(group, name)
    (only,) = xml.dom.minidom.parseString(f"<table>{row(brief)}</table>").documentElement.getElementsByTagName("tr")
    cells = only.getElementsByTagName("td")
    assert [cell.getAttribute("class") for cell in cells] == ["state", "name", "desc", "usage", "action"]
    assert text_of(cells[1]) == shown(namespec)
    assert text_of(cells[2]).removesuffix(" Why?") == shown(description)
    for button in only.getElementsByTagName("button"):
        query = parse_qs(urlsplit(button.getAttribute("formaction")).query, keep_blank_values=True)
        assert query["processname"] == [url_part(namespec)]
        # XML makes blanks of line ends and tabs in attributes.
        assert button.getAttribute("aria-label").endswith(shown(namespec).translate({9: " ", 10: " "}))


@given(found=st.lists(briefs, max_size=6), message=texts, identifier=texts, name=texts, state=texts)
def test_the_page_is_well_formed(found: list[Brief], message: str, identifier: str, name: str, state: str) -> None:
    around = Surroundings(token="t", message=message, identifier=identifier, only=Filter(name, state))
    found = [one for one in found if one[2] != ProcessStates.RUNNING]
    document = xml.dom.minidom.parseString(status_page(found, around).encode("utf-8"))
    rows = [one for one in document.getElementsByTagName("tr") if one.getAttribute("class") == "process"]
    assert len(rows) == len(found)
    (box,) = [one for one in document.getElementsByTagName("div") if one.getAttribute("class") == "status_msg"]
    assert text_of(box) == shown(message)
    scripts = [one.getAttribute("src").partition("?")[0] for one in document.getElementsByTagName("script")]
    assert scripts == ["supervisor.js", "live.js", "charts.js", "programs.js"]


@given(question=texts, value=texts)
def test_the_page_that_asks_is_well_formed(question: str, value: str) -> None:
    document = xml.dom.minidom.parseString(ask_page(question, {"action": value}, "t", "why").encode("utf-8"))
    assert text_of(document.getElementsByTagName("h2")[0]) == shown(question)
    values = [one.getAttribute("value") for one in document.getElementsByTagName("input")]
    assert values[0] == "t"
    assert len(values) == 2
