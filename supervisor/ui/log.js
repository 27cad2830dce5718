// The page of a log: it follows the log, with search, pause and earlier lines.
"use strict";

const FIRST_LIMIT = 65536; // bytes of what was written before

// What is written, from the last bytes on; after an interruption it begins anew.
class Reader {
  constructor({ begin, take, tell }) {
    Object.assign(this, { begin, take, tell });
    this.limit = FIRST_LIMIT;
    this.stopper = new AbortController();
  }

  start() {
    this.stop();
    this.stopper = new AbortController();
    this.follow(this.stopper.signal);
  }

  stop() { this.stopper.abort(); }

  async follow(signal) {
    while (!signal.aborted) {
      let trouble = "reconnecting";
      try { trouble = await this.read(signal); } catch { /* the connection is gone */ }
      if (signal.aborted) return;
      this.tell(false, trouble);
      await new Promise((resolve) => { setTimeout(resolve, 2000); });
    }
  }

  // Until the end; why it ended.
  async read(signal) {
    const response = await fetch(`${main.dataset.stream}?limit=${this.limit}`, { signal });
    if (!response.ok) return response.status === 404 ? "there is no log yet" : `the server answered ${response.status}`;
    const offset = Number(response.headers.get("X-Log-Offset"));
    this.begin(offset);
    this.tell(true, "live");
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let first = true; ; first = false) {
      const { done, value } = await reader.read();
      if (done) return "reconnecting";
      // The beginning may be in the middle of a character.
      this.take(first && offset ? value.replace(/^\ufffd+/, "") : value);
    }
  }
}

class Search {
  constructor(box, onGo) {
    this.box = box;
    this.onGo = onGo;
    this.wanted = "";
    this.here = null;
    this.input = make("input", { type: "search", placeholder: "Search", "aria-label": "Search in the log" });
    this.previous = make("button", { type: "button", disabled: "" }, "Previous");
    this.next = make("button", { type: "button", disabled: "" }, "Next");
    this.found = make("span", { class: "found", role: "status" });
    this.element = make("div", { class: "search", role: "search" }, this.input, this.previous, this.next, this.found);
    this.listen();
  }

  listen() {
    let timer;
    this.input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(() => this.markAll(), 150); });
    this.input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      clearTimeout(timer);
      if (this.input.value.toLowerCase() !== this.wanted) this.markAll();
      this.go(event.shiftKey ? -1 : 1);
    });
    this.next.addEventListener("click", () => this.go(1));
    this.previous.addEventListener("click", () => this.go(-1));
  }

  mark(line) {
    line.classList.toggle("hit", Boolean(this.wanted) && line.textContent.toLowerCase().includes(this.wanted));
  }

  markAll() {
    this.wanted = this.input.value.toLowerCase();
    for (const line of this.box.getElementsByClassName("line")) this.mark(line);
    if (this.here) this.here.classList.remove("here");
    this.here = null;
    this.count();
  }

  count() {
    const number = this.box.getElementsByClassName("hit").length;
    this.found.textContent = this.wanted ? `${number} line${number === 1 ? "" : "s"} found` : "";
    this.previous.disabled = this.next.disabled = !number;
  }

  go(step) {
    const hits = [...this.box.getElementsByClassName("hit")];
    if (!hits.length) return;
    const at = hits.indexOf(this.here);
    if (this.here) this.here.classList.remove("here");
    this.here = hits[at < 0 ? (step > 0 ? 0 : hits.length - 1) : (at + step + hits.length) % hits.length];
    this.here.classList.add("here");
    this.onGo();
    this.here.scrollIntoView({ block: "center" });
    this.found.textContent = `${hits.indexOf(this.here) + 1} of ${hits.length} lines found`;
  }
}

function logPage() {
  const box = make("div", { class: "lines", tabindex: "0", role: "region", "aria-label": one("title").textContent });
  const sign = make("span", { class: "connection off", role: "status" }, "connecting");
  const pause = make("button", { type: "button", "aria-pressed": "false" }, "Pause");
  const newest = make("button", { type: "button", class: "newest", hidden: "" }, "To the end");
  const earlier = make("button", { type: "button" }, "Load earlier");
  const onlyBox = make("input", { type: "checkbox" });
  const wrapBox = make("input", { type: "checkbox" });
  const lines = new Lines(box);
  const search = new Search(box, () => follows(false));
  const reader = new Reader({
    begin(offset) {
      lines.clear();
      earlier.disabled = !offset || reader.limit === TEXT_KEPT;
    },
    take(text) { lines.add(text); plan(); },
    tell(on, text) { showConnection(sign, on, text); },
  });

  let paused = false;
  let following = true;
  let planned = false;
  let anchor = null;         // the text of the line to be seen again when earlier ones have come before it
  let anchored = null;       // that line, when it is there

  document.body.classList.add("live");
  one("pre.tail").replaceWith(
    make("div", { class: "logtools", role: "group", "aria-label": "Log" }, search.element,
      make("label", {}, onlyBox, "Only matches"), make("label", {}, wrapBox, "Wrap lines"), earlier, pause, sign),
    make("div", { class: "logbox" }, box, newest));
  one(".links > a:last-child").hidden = true;

  function plan() {
    if (planned) return;
    planned = true;
    setTimeout(flush, 30);
  }

  function flush() {
    planned = false;
    if (paused) {
      pause.textContent = "Resume, there is more";
      return;
    }
    lines.showSome();
    lines.forget(following);
    if (anchored) returnTo(anchored);
    keepUp();
    if (search.wanted) search.count();
    if (lines.pending) plan();
  }

  lines.onShown = (line, ended) => {
    if (search.wanted) search.mark(line);
    if (anchor !== null && ended && line.textContent === anchor) anchored = line;
  };

  // What is seen of it

  function keepUp() {
    if (following) box.scrollTop = box.scrollHeight;
  }

  function follows(does) {
    following = does;
    newest.hidden = does;
  }

  // What is around it gets its true height only when it is to be seen.
  function returnTo(line) {
    anchored = null;
    line.scrollIntoView({ block: "start" });
    requestAnimationFrame(() => requestAnimationFrame(() => {
      if (anchor !== null) line.scrollIntoView({ block: "start" });
      anchor = null;
    }));
  }

  function topLine() {
    const { left, top } = box.getBoundingClientRect();
    const element = document.elementFromPoint(left + 20, top + 16);
    return element && element.closest(".line");
  }

  function wrap(does) {
    wrapBox.checked = does;
    box.classList.toggle("straight", !does);
    keepUp();
  }

  // Where the reader goes by wheel or keys counts, not where growing text leaves them.
  for (const kind of ["wheel", "keydown", "pointerdown"]) box.addEventListener(kind, () => { anchor = null; });
  box.addEventListener("scroll", () => {
    if (anchor === null) follows(box.scrollTop + box.clientHeight >= box.scrollHeight - 30);
  });
  new ResizeObserver(keepUp).observe(box);

  pause.addEventListener("click", () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", paused);
    pause.textContent = paused ? "Resume" : "Pause";
    if (!paused) plan();
  });
  newest.addEventListener("click", () => { box.focus(); follows(true); keepUp(); });
  earlier.addEventListener("click", () => {
    reader.limit = Math.min(reader.limit * 8, TEXT_KEPT);
    const line = following ? null : topLine();
    anchor = line && (line.nextElementSibling || line).textContent;
    reader.start();
  });
  onlyBox.addEventListener("change", () => { box.classList.toggle("only", onlyBox.checked); keepUp(); });
  wrapBox.addEventListener("change", () => { wrap(wrapBox.checked); memory.set("wrap", wrapBox.checked); });
  wrap(memory.get("wrap") !== false);

  addEventListener("pagehide", () => reader.stop());
  addEventListener("pageshow", (event) => { if (event.persisted) reader.start(); });
  reader.start();
}

if (main && main.dataset.stream) {
  logPage();
  tabs.start();
}
