// The page of a log: it follows the log, with colours, search and pause, and keeps as much as a browser can bear.
"use strict";

const LINES_KEPT = 30000;
const TEXT_KEPT = 6000000;
const LINES_IN_BLOCK = 250;
const LONGEST_LINE = 8000;
const LINES_AT_A_TIME = 2500;

// Escape sequences: colours are kept, all others have no meaning here.
const ESCAPES = /\x1b(?:\[([0-?]*)[ -/]*([@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|[ -/]*[0-~])/g;
const ODD = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/;
const ODD_ONES = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;

function visible(text) {
  if (!ODD.test(text)) return text;
  return text.replace(ODD_ONES, (odd) => {
    const code = odd.charCodeAt(0);
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : code === 0x7f ? "\u2421" : "\ufffd";
  });
}

function colourOf(codes) { // 5;N or 2;R;G;B
  if (codes[0] === 2) { const [r, g, b] = codes.splice(0, 4).slice(1); return `rgb(${r || 0} ${g || 0} ${b || 0})`; }
  const number = codes.splice(0, 2)[1] || 0;
  if (number < 16) return number;
  if (number > 231) { const grey = 8 + 10 * (number - 232); return `rgb(${grey} ${grey} ${grey})`; }
  const part = (value) => (value ? 55 + 40 * value : 0);
  const cube = number - 16;
  return `rgb(${part(Math.floor(cube / 36))} ${part(Math.floor(cube / 6) % 6)} ${part(cube % 6)})`;
}

function bright(colour) {
  const [red, green, blue] = colour.match(/\d+/g).map(Number);
  return 0.3 * red + 0.59 * green + 0.11 * blue > 128;
}

class Painter {
  constructor() { this.reset(); }

  reset() { this.on = new Set(); this.front = this.back = null; }

  get plain() { return !this.on.size && this.front === null && this.back === null; }

  sequence(parameters) {
    const codes = parameters.split(/[;:]/).map(Number);
    while (codes.length) {
      const code = codes.shift();
      const style = { 1: "b", 2: "d", 3: "i", 4: "u" }[code];
      if (!code) this.reset();
      else if (style) this.on.add(style);
      else if (code === 22) { this.on.delete("b"); this.on.delete("d"); }
      else if (code === 23) this.on.delete("i");
      else if (code === 24) this.on.delete("u");
      else if (code >= 30 && code <= 37) this.front = code - 30;
      else if (code >= 90 && code <= 97) this.front = code - 82;
      else if (code === 39) this.front = null;
      else if (code >= 40 && code <= 47) this.back = code - 40;
      else if (code >= 100 && code <= 107) this.back = code - 100;
      else if (code === 49) this.back = null;
      else if (code === 38) this.front = colourOf(codes);
      else if (code === 48) { const colour = colourOf(codes); this.back = typeof colour === "number" ? colour % 8 : colour; }
    }
  }

  piece(text) {
    text = visible(text);
    if (this.plain) return text;
    const span = make("span", { class: [...this.on].join(" ") });
    if (typeof this.back === "number") {
      // Our own backgrounds are made for one colour of text, the one that can be read.
      span.classList.add(`g${this.back}`);
    } else {
      if (typeof this.front === "number") span.classList.add(`f${this.front}`);
      else if (this.front) span.style.color = this.front;
      if (this.back) {
        span.style.backgroundColor = this.back;
        if (this.front === null) span.style.color = bright(this.back) ? "#000" : "#fff";
      }
    }
    span.textContent = text;
    return span;
  }

  paint(element, text) {
    // A line that was overwritten shows what was written last.
    if (text.includes("\r")) text = text.replace(/\r+$/, "").replace(/^.*\r/s, "");
    if (this.plain && !text.includes("\x1b")) { element.textContent = visible(text); return; }
    element.textContent = "";
    let done = 0;
    for (const found of text.matchAll(ESCAPES)) {
      if (found.index > done) element.append(this.piece(text.slice(done, found.index)));
      if (found[2] === "m") this.sequence(found[1]);
      done = found.index + found[0].length;
    }
    if (done < text.length) element.append(this.piece(text.slice(done)));
  }

  copy() {
    const other = new Painter();
    other.on = new Set(this.on);
    other.front = this.front;
    other.back = this.back;
    return other;
  }
}

function logPage() {
  document.body.classList.add("live");
  const box = make("div", { class: "lines", tabindex: "0", role: "region", "aria-label": one("title").textContent });
  const state = make("span", { class: "connection off", role: "status" }, "connecting");
  const pause = make("button", { type: "button", "aria-pressed": "false" }, "Pause");
  const newest = make("button", { type: "button", class: "newest", hidden: "" }, "To the end");
  const earlier = make("button", { type: "button" }, "Load earlier");
  const search = make("input", { type: "search", placeholder: "Search", "aria-label": "Search in the log" });
  const previous = make("button", { type: "button", disabled: "" }, "Previous");
  const next = make("button", { type: "button", disabled: "" }, "Next");
  const found = make("span", { class: "found", role: "status" });
  const onlyBox = make("input", { type: "checkbox" });
  const wrapBox = make("input", { type: "checkbox" });
  const tools = make("div", { class: "logtools", role: "group", "aria-label": "Log" },
    make("div", { class: "search", role: "search" }, search, previous, next, found),
    make("label", {}, onlyBox, "Only matches"), make("label", {}, wrapBox, "Wrap lines"), earlier, pause, state);
  one("pre.tail").replaceWith(tools, make("div", { class: "logbox" }, box, newest));
  one(".links > a:last-child").hidden = true;

  let limit = 65536;
  let stop = new AbortController();
  let pending = "";          // not shown yet
  let kept = 0;              // characters shown
  let lines = 0;
  let block = null;
  let open = null;           // the last line, not ended yet: { element, text, painter }
  let painter = new Painter();
  let paused = false;
  let following = true;
  let planned = false;
  let wanted = "";
  let here = null;
  let anchor = null;         // the text of the line to be seen again when earlier ones have come before it
  let anchored = null;       // that line, when it is there

  function clear() {
    box.replaceChildren();
    pending = "";
    kept = lines = 0;
    block = open = here = null;
    painter = new Painter();
  }

  function newLine() {
    if (!block || block.childElementCount >= LINES_IN_BLOCK) box.append(block = make("div", { class: "block" }));
    const element = make("div", { class: "line" });
    block.append(element);
    lines += 1;
    return element;
  }

  function show(text, ended) {
    if (open) { text = open.text + text; painter = open.painter; }
    const element = open ? open.element : newLine();
    const before = painter.copy();
    if (open) kept -= open.text.length;
    painter.paint(element, text);
    if (wanted) element.classList.toggle("hit", element.textContent.toLowerCase().includes(wanted));
    kept += text.length;
    if (anchor !== null && ended && element.textContent === anchor) anchored = element;
    open = ended ? null : { element, text, painter: before };
  }

  function forget() {
    while ((lines > LINES_KEPT || kept > TEXT_KEPT) && box.childElementCount > 1) {
      const first = box.firstElementChild;
      const height = following ? 0 : first.offsetHeight;
      lines -= first.childElementCount;
      kept -= first.textContent.length;
      first.remove();
      if (height) box.scrollTop -= height;
    }
  }

  function flush() {
    planned = false;
    if (paused) {
      pause.textContent = "Resume, there is more";
      return;
    }
    let begin = 0;
    for (let count = 0; count < LINES_AT_A_TIME; count += 1) {
      const end = pending.indexOf("\n", begin);
      const length = (end < 0 ? pending.length : end) - begin + (open ? open.text.length : 0);
      if (length > LONGEST_LINE) {
        const cut = begin + Math.max(1, LONGEST_LINE - (open ? open.text.length : 0));
        show(pending.slice(begin, cut), true);
        begin = cut;
      } else if (end < 0) {
        if (begin < pending.length) show(pending.slice(begin), false);
        begin = pending.length;
        break;
      } else {
        show(pending.slice(begin, end), true);
        begin = end + 1;
      }
    }
    pending = pending.slice(begin);
    forget();
    if (anchored) returnTo(anchored);
    if (following) box.scrollTop = box.scrollHeight;
    if (wanted) showFound();
    if (pending) plan();
  }

  function plan() {
    if (planned) return;
    planned = true;
    setTimeout(flush, 30);
  }

  async function read(signal) {
    const response = await fetch(`${main.dataset.stream}?limit=${limit}`, { signal });
    if (!response.ok) return response.status === 404 ? "there is no log yet" : `the server answered ${response.status}`;
    clear();
    tell(true, "live");
    const cut = Number(response.headers.get("X-Log-Offset"));
    earlier.disabled = !cut || limit === TEXT_KEPT;
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let first = true; ; first = false) {
      const { done, value } = await reader.read();
      if (done) return "reconnecting";
      pending += first && cut ? value.replace(/^\ufffd+/, "") : value;
      if (pending.length > TEXT_KEPT) {
        const end = pending.indexOf("\n", pending.length - TEXT_KEPT);
        pending = pending.slice(end < 0 ? -TEXT_KEPT : end + 1);
      }
      plan();
    }
  }

  function tell(on, text) {
    state.className = `connection ${on ? "on" : "off"}`;
    if (state.textContent !== text) state.textContent = text;
  }

  async function follow() {
    const { signal } = stop;
    while (!signal.aborted) {
      let trouble = "reconnecting";
      try { trouble = await read(signal); } catch { /* the connection is gone */ }
      if (signal.aborted) return;
      tell(false, trouble);
      await new Promise((resolve) => { setTimeout(resolve, 2000); });
    }
  }

  function again() {
    stop.abort();
    stop = new AbortController();
    follow();
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

  function showFound() {
    const number = box.getElementsByClassName("hit").length;
    found.textContent = wanted ? `${number} line${number === 1 ? "" : "s"} found` : "";
    previous.disabled = next.disabled = !number;
  }

  function mark() {
    wanted = search.value.toLowerCase();
    for (const element of box.getElementsByClassName("line")) {
      element.classList.toggle("hit", Boolean(wanted) && element.textContent.toLowerCase().includes(wanted));
    }
    if (here) here.classList.remove("here");
    here = null;
    showFound();
  }

  function go(step) {
    const hits = [...box.getElementsByClassName("hit")];
    if (!hits.length) return;
    const at = hits.indexOf(here);
    if (here) here.classList.remove("here");
    here = hits[at < 0 ? (step > 0 ? 0 : hits.length - 1) : (at + step + hits.length) % hits.length];
    here.classList.add("here");
    follows(false);
    here.scrollIntoView({ block: "center" });
    found.textContent = `${hits.indexOf(here) + 1} of ${hits.length} lines found`;
  }

  pause.addEventListener("click", () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", paused);
    pause.textContent = paused ? "Resume" : "Pause";
    if (!paused) plan();
  });
  newest.addEventListener("click", () => { box.focus(); follows(true); box.scrollTop = box.scrollHeight; });
  earlier.addEventListener("click", () => {
    limit = Math.min(limit * 8, TEXT_KEPT);
    const line = following ? null : topLine();
    anchor = line && (line.nextElementSibling || line).textContent;
    again();
  });
  box.addEventListener("scroll", () => {
    if (anchor === null) follows(box.scrollTop + box.clientHeight >= box.scrollHeight - 30);
  });
  for (const kind of ["wheel", "keydown", "pointerdown"]) box.addEventListener(kind, () => { anchor = null; });
  // Where the reader goes by wheel or keys counts, not where growing text leaves them.
  new ResizeObserver(() => { if (following) box.scrollTop = box.scrollHeight; }).observe(box);
  let timer;
  search.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(mark, 150); });
  search.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    clearTimeout(timer);
    if (search.value.toLowerCase() !== wanted) mark();
    go(event.shiftKey ? -1 : 1);
  });
  next.addEventListener("click", () => go(1));
  previous.addEventListener("click", () => go(-1));
  onlyBox.addEventListener("change", () => {
    box.classList.toggle("only", onlyBox.checked);
    if (following) box.scrollTop = box.scrollHeight;
  });
  function wrap(does) {
    wrapBox.checked = does;
    box.classList.toggle("straight", !does);
    if (following) box.scrollTop = box.scrollHeight;
  }
  wrapBox.addEventListener("change", () => { wrap(wrapBox.checked); memory.set("wrap", wrapBox.checked); });
  wrap(memory.get("wrap") !== false);
  addEventListener("pagehide", () => stop.abort());
  addEventListener("pageshow", (event) => { if (event.persisted) again(); });
  follow();
}

if (main && main.dataset.stream) {
  logPage();
  tabs.start();
}
