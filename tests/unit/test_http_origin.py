"""Which requests pages of other sites may have caused."""

from __future__ import annotations

import pytest

from supervisor.http.origin import OriginRules
from supervisor.http.parser import parse_head


def refused(rules: OriginRules, *headers: str, line: str = "GET / HTTP/1.1") -> bool:
    return rules.refusal(parse_head("\r\n".join([line, *headers]).encode())) is not None


RULES = OriginRules(["127.0.0.1", "box"], ["admin.example"], check_host=True)
LINK = ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Sec-Fetch-User: ?1"]


@pytest.mark.parametrize("host", [
    "localhost", "localhost:9001", "127.0.0.1:9001", "[::1]:9001", "192.168.1.9", "BOX:9001", "box.", "a.localhost",
    "admin.example:80", "", ":9001", "[fe80::1%eth0]:9001", "[fe80::1%25eth0]",
])
def test_hosts_that_are_ours(host: str) -> None:
    assert not refused(RULES, f"Host: {host}")
    assert not refused(OriginRules([], ["*"], check_host=True), f"Host: {host}")


@pytest.mark.parametrize("host", [
    "evil.example", "evil.example:9001", "127.0.0.1.evil.example", "localhost.evil.example", "xbox", "1.2.3",
    "evil.example.", "[evil]", "a:b:c:evil", "127.0.0.1%evil.example", "[evil%::1]",
])
def test_hosts_that_are_not(host: str) -> None:
    assert refused(RULES, f"Host: {host}")
    assert not refused(OriginRules([], ["*"], check_host=True), f"Host: {host}")
    assert not refused(OriginRules([], [], check_host=False), f"Host: {host}")


def test_programs_notice_nothing() -> None:
    assert not refused(RULES)
    assert not refused(RULES, "Host: localhost", "User-Agent: curl", "Accept: */*", line="POST /RPC2 HTTP/1.1")


@pytest.mark.parametrize("headers", [
    ["Origin: http://localhost:9001"], ["Origin: http://LOCALHOST:9001"], ["Referer: http://localhost:9001/x?y"],
    ["Sec-Fetch-Site: same-origin"], ["Sec-Fetch-Site: none"], ["Sec-Fetch-Site: same-origin", "Origin: null"],
    ["Origin: https://admin.example"], ["Sec-Fetch-Site: cross-site", "Origin: https://admin.example"],
])
@pytest.mark.parametrize("line", ["GET /?action=stopall HTTP/1.1", "POST /RPC2 HTTP/1.1"])
def test_own_pages(headers: list[str], line: str) -> None:
    assert not refused(RULES, "Host: localhost:9001", *headers, line=line)


@pytest.mark.parametrize("headers", [
    ["Origin: http://evil.example"], ["Origin: null"], ["Origin: "], ["Origin: http://localhost:9002"],
    ["Origin: http://localhost"], ["Origin: http://localhost:9001.evil.example"], ["Origin: file://localhost:9001"],
    ["Origin: http://[", "Sec-Fetch-Site: none"], ["Referer: http://evil.example/http://localhost:9001/"],
    ["Referer: http://localhost:9001@evil.example/"], ["Sec-Fetch-Site: cross-site"], ["Sec-Fetch-Site: same-site"],
    ["Sec-Fetch-Site: none", "Origin: http://evil.example"], ["Sec-Fetch-Site: nonsense"],
])
@pytest.mark.parametrize("line", ["GET / HTTP/1.1", "POST / HTTP/1.1", "HEAD /logtail/a HTTP/1.1"])
def test_foreign_pages(headers: list[str], line: str) -> None:
    assert refused(RULES, "Host: localhost:9001", *headers, line=line)
    everything = OriginRules([], ["*"], check_host=False)
    assert refused(everything, "Host: localhost:9001", *headers, line=line)


@pytest.mark.parametrize("origin, host, same", [
    ("http://h", "h:80", True), ("https://h", "h:443", True), ("https://h", "h", True), ("http://h:80", "h", True),
    ("http://h", "h:443", False), ("http://[::1]:9001", "[::1]:9001", True), ("http://[::1]", "[::1]:80", True),
    ("http://[::1]", "[::1]", True), ("http://h.", "h", True),
])
def test_ports_that_go_without_saying(origin: str, host: str, same: bool) -> None:
    rules = OriginRules([], [], check_host=False)
    assert refused(rules, f"Host: {host}", f"Origin: {origin}") is not same


def test_without_a_host_an_origin_is_foreign() -> None:
    assert refused(RULES, "Origin: http://localhost:9001")


def test_a_person_may_follow_a_link_to_a_page_and_no_further() -> None:
    assert not refused(RULES, "Host: localhost", *LINK)
    assert not refused(RULES, "Host: localhost", "Referer: http://wiki.example/", *LINK)
    assert refused(RULES, "Host: localhost", *LINK, line="GET /?action=stopall HTTP/1.1")
    assert refused(RULES, "Host: localhost", *LINK, line="POST / HTTP/1.1")
    assert refused(RULES, "Host: localhost", "Origin: http://wiki.example", *LINK)
    for missing in LINK[1:]:
        assert refused(RULES, "Host: localhost", *(line for line in LINK if line != missing))


def test_each_server_judges_for_itself() -> None:
    head = parse_head(b"GET / HTTP/1.1\r\nHost: evil.example")
    for rules, text in ((RULES, True), (OriginRules([], ["*"], True), False), (RULES, True)):
        assert (rules.refusal(head) is not None) is text
