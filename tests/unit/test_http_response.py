"""The form of answers."""

from __future__ import annotations

import calendar
import doctest
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.engine import seldom
from supervisor.http import origin, parser, response
from supervisor.http.handlers import static
from supervisor.http.logwrapper import LogWrapper
from tests.fakes import FakeLog


def test_examples() -> None:
    for module in (response, parser, origin, static, seldom):
        assert doctest.testmod(module).failed == 0


def test_a_head() -> None:
    date = response.DateLine(lambda: 0.9).now()
    assert response.head("1.0", 302, date, [("Location", "/é")], response.CLOSE) == (
        "HTTP/1.0 302 Moved Temporarily\r\nServer: supervisor\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
        "Location: /é\r\nConnection: close\r\n\r\n").encode()
    assert response.plain_head("1.1", 200, date, "text/xml", 7) == response.head(
        "1.1", 200, date, [("Content-Type", "text/xml"), ("Content-Length", "7")])


@given(st.text(), st.text())
def test_no_value_ends_its_line(name: str, value: str) -> None:
    head = response.head("1.1", 200, b"", [(name, value)])
    assert head.count(b"\r\n") == 4 and head.count(b"\n") == 4 and head.count(b"\r") == 4
    assert head.endswith(b"\r\n\r\n") and b"\0" not in head


def test_error_pages_show_text_as_text() -> None:
    page = response.error_body(404, "<script>&\"'")
    assert b"<p>Message: &lt;script&gt;&amp;&quot;&#39;.\r\n" in page
    assert len(response.error_body(404)) == 134 and len(response.error_body(500)) == 146


@given(st.integers(0, 4_000_000_000))
def test_dates_there_and_back(when: int) -> None:
    text = response.build_http_date(when)
    assert response.parse_http_date(text) == when
    assert response.parse_http_date(time.asctime(time.gmtime(when))) == when


@given(st.text(max_size=40))
def test_dates_that_are_none(text: str) -> None:
    found = response.parse_http_date(text)
    assert found is None or isinstance(found, int)


@pytest.mark.parametrize("text", [
    "Thu, 32 Jan 1970 00:00:00 GMT", "Thu, 01 Jon 1970 00:00:00 GMT", "Thu, 01 Jan 1970 24:00:00 GMT", "", "Thu",
    "Thu, 01 Jan 1970 00:00 GMT", "Thu, 01 Jan x 00:00:00 GMT", "Thu, 00 Jan 1970 00:00:00 GMT",
])
def test_dates_that_cannot_be(text: str) -> None:
    assert response.parse_http_date(text) is None


def test_leap_years_agree_with_the_calendar() -> None:
    for year in (1970, 1972, 1999, 2000, 2100, 2400):
        for month, day in ((2, 28), (3, 1), (12, 31), (1, 1)):
            moment = (year, month, day, 1, 2, 3)
            assert response._timegm(*moment) == calendar.timegm(moment)


def test_the_date_line_is_made_once_a_second() -> None:
    times = iter((10.1, 10.9, 11.0))
    dates = response.DateLine(lambda: next(times))
    assert dates.now() is dates.now()
    assert dates.now() == b"Date: Thu, 01 Jan 1970 00:00:11 GMT\r\n"


def test_messages_find_their_level() -> None:
    log = FakeLog()
    wrapper = LogWrapper(log)
    wrapper.log("127.0.0.1", "hello 100%\n")
    wrapper.log("an Error")
    wrapper.trace("GET /error")
    assert log.lines == [("trace", "127.0.0.1:hello 100%"), ("error", "an Error"), ("trace", "GET /error")]
