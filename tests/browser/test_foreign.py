"""A page of another site that tries to press buttons, and to read."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator

import pytest

from tests.browser.browser import Browser
from tests.browser.test_status import start
from tests.harness import Daemon

# Tries one after the other; tells when all of them are through.
PAGE = """<!DOCTYPE html><title>foreign</title><body><p id="done"></p>
<iframe name="frame" src="TARGET"></iframe>
<form id="form" method="post" action="TARGETindex.html?processname=a&amp;action=stop" target="result">
<input name="token" value="0123"></form><iframe name="result"></iframe>
<script>
const read = [];
const loaded = frame => new Promise(done => { frame.onload = done; });
async function attempt(what) { try { read.push(await what()); } catch (error) { read.push('refused'); } }
(async () => {
  const frames = document.querySelectorAll('iframe');
  for (const mode of ['no-cors', 'cors']) for (const credentials of ['include', 'omit']) {
    for (const [method, body] of [['POST', 'processname=a&action=stop'], ['POST', 'x=y']]) {
      const path = body === 'x=y' ? 'index.html?action=stop&processname=a' : 'index.html';
      const how = { method, mode, credentials, body: new URLSearchParams(body) };
      await attempt(async () => (await fetch('TARGET' + path, how)).text());
    }
    await attempt(async () => (await fetch('TARGETindex.html?action=stopall', { mode, credentials })).text());
    await attempt(async () => (await fetch('TARGET', { mode, credentials })).text());
  }
  await attempt(() => new Promise((done, refused) => {
    const source = new EventSource('TARGETevents?since=');
    source.onerror = refused;
    source.addEventListener('stale', () => done('told'));
  }));
  const image = new Image();
  const tried = new Promise(done => { image.onerror = done; });
  image.src = 'TARGETindex.html?action=stop&processname=a';
  await tried;
  const answered = loaded(frames[1]);
  document.querySelector('#form').submit();
  await answered;
  try { read.push(frames[0].contentDocument.body.innerText); } catch (error) { read.push('refused'); }
  document.querySelector('#done').textContent = JSON.stringify(read);
})();
</script>"""


@pytest.fixture
def foreign(daemon: Daemon) -> Iterator[str]:
    """The address of a page of another site, which knows where the daemon is."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = PAGE.replace("TARGET", f"http://127.0.0.1:{daemon.port}/").encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://localhost:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("get_actions", ["false", "true"])
def test_a_foreign_page_presses_nothing_and_reads_nothing(
    daemon: Daemon, browser: Browser, foreign: str, get_actions: str
) -> None:
    daemon.start(a={"startsecs": 0}, inet=f"get_actions={get_actions}", probe=None)
    child = daemon.child("a")
    # The victim has used the page before.
    browser.open()
    browser.wait_state("a", "running")
    for text in ("127.0.0.1", "CORS", "403", "frame"):
        browser.expect(text)
    browser.driver.get(foreign)
    read = browser.wait(lambda: browser.text("#done"))
    assert set(read.strip("[]").split(",")) <= {'"refused"', '""', "null"}
    info = daemon.info("a")
    assert (info["statename"], info["pid"]) == ("RUNNING", child.pid)


def test_a_link_from_elsewhere_only_asks(daemon: Daemon, browser: Browser) -> None:
    start(daemon, a={"startsecs": 0})
    daemon.wait_state("a", "RUNNING")
    browser.open("index.html?action=stop&processname=a", live=False)
    browser.wait_text("h2", "Stop a?")
    assert daemon.state("a") == "RUNNING"
    browser.press("No, show the programs")
    browser.wait_live()
    assert browser.row("a")["state"] == "running"
