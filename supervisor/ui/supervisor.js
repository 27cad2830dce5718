// The pages work without this script. With it they change by themselves: the server says what has changed (events.*),
// and a log goes on as it is written (logtail/*). Text from programs is only ever set as text; markup comes from the
// server's own pages alone.
"use strict";

(() => {

const one = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const main = one("#main");

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// What is remembered in this browser; it may refuse to.
const memory = {
  get(name) {
    try { return JSON.parse(localStorage.getItem(`supervisor.${name}`)); } catch { return null; }
  },
  set(name, value) {
    try { localStorage.setItem(`supervisor.${name}`, JSON.stringify(value)); } catch { /* then not */ }
  },
};

// --- Messages ----------------------------------------------------------------------------------------------------

let sayTimer;

function say(text) {
  const live = one("#live");
  live.textContent = text;
  live.classList.toggle("error", /^(ERROR|No such|unexpected)/.test(text));
  clearTimeout(sayTimer);
  sayTimer = setTimeout(() => { live.textContent = ""; }, live.classList.contains("error") ? 30000 : 8000);
}

// Whether that is really wanted. The browser keeps the focus inside and gives it back.
function sure(question, consequence, yes) {
  const no = make("button", { value: "", autofocus: "" }, "Cancel");
  const heading = make("h2", { id: "asked" }, question);
  const dialog = make("dialog", { "aria-labelledby": "asked" }, heading, make("p", {}, consequence),
    make("form", { method: "dialog" }, no, make("button", { value: "yes", class: "yes" }, yes)));
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => { dialog.remove(); resolve(dialog.returnValue === "yes"); });
  });
}

// --- Uptime ------------------------------------------------------------------------------------------------------

let clockAhead = 0; // of this browser's clock, in seconds

function uptime(seconds) {
  seconds = Math.max(0, Math.floor(seconds));
  const days = Math.floor(seconds / 86400);
  const two = (number) => String(number).padStart(2, "0");
  const clock = `${Math.floor(seconds / 3600) % 24}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return days ? `${days} day${days > 1 ? "s" : ""}, ${clock}` : clock;
}

function age(element) {
  if (!element.dataset.start) return;
  const place = one(".desc", element);
  const seconds = Date.now() / 1000 - clockAhead - element.dataset.start;
  const text = place.textContent.replace(/uptime .*/, `uptime ${uptime(seconds)}`);
  if (text !== place.textContent) place.textContent = text;
}

// What is to be seen in the window at present: of a thousand rows only those few are worked on.
const inView = {
  elements: new Set(),
  onSeen: () => {},
  observer: new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) { inView.elements.delete(target); continue; }
      inView.elements.add(target);
      age(target);
      inView.onSeen(target);
    }
  }, { rootMargin: "200px" }),

  watch(element) { this.observer.observe(element); },
  forget(element) { this.observer.unobserve(element); this.elements.delete(element); },
  clear() { this.observer.disconnect(); this.elements.clear(); },
};

function tick() {
  if (!document.hidden) inView.elements.forEach(age);
}

// --- The stream of changes ---------------------------------------------------------------------------------------

const stream = {
  source: null,
  at: "",
  usage: false,
  onRows: () => {},
  onStale: () => {},
  retry: 2000,
  timer: 0,
  sign: make("span", { class: "connection off" }, "connecting"),

  open() {
    this.close();
    const query = new URLSearchParams({ since: this.at });
    if (main.dataset.process) query.set("processname", main.dataset.process);
    if (this.usage && !document.hidden) query.set("usage", "1");
    const source = this.source = new EventSource(`events?${query}`);
    const hear = (kind, act) => source.addEventListener(kind, (event) => {
      if (event.lastEventId) this.at = event.lastEventId;
      act(event.data);
    });
    hear("rows", (data) => this.onRows(data));
    hear("restarts", (data) => { one("#restarts").innerHTML = data; });
    hear("fatal", (data) => { alarm(Number(data)); tabs.tell({ fatal: Number(data) }); });
    hear("stale", () => this.onStale());
    hear("usage", (data) => charts.take(JSON.parse(data)));
    source.onopen = () => { this.retry = 2000; this.show(true, "live"); };
    source.onerror = () => {
      this.show(false, "reconnecting");
      // A refusal ends it for the browser; not for us.
      if (source.readyState === EventSource.CLOSED && source === this.source) {
        this.timer = setTimeout(() => this.open(), this.retry);
        this.retry = Math.min(this.retry * 2, 60000);
      }
    };
  },

  close() {
    clearTimeout(this.timer);
    if (this.source) this.source.close();
    this.source = null;
  },

  show(on, text) {
    this.sign.className = `connection ${on ? "on" : "off"}`;
    if (this.sign.textContent !== text) this.sign.textContent = text;
  },
};

// A browser has few connections for one server: of several pages only the one looked at needs a stream. It tells the
// others how many are FATAL, for their icons; when it goes, one of the others takes over.
const tabs = {
  channel: "BroadcastChannel" in window ? new BroadcastChannel(`supervisor ${new URL(".", location).pathname}`) : null,
  timer: 0,

  start() {
    if (!this.channel) return;
    this.channel.onmessage = ({ data }) => {
      if (data.mine) {
        clearTimeout(this.timer);
        if (document.hidden && stream.source) { stream.close(); stream.show(false, "resting"); }
      } else if (data.bye && stream.at && !stream.source) {
        this.timer = setTimeout(() => this.take(), 100 + 900 * Math.random());
      } else if ("fatal" in data && !stream.source) {
        alarm(data.fatal);
      }
    };
    addEventListener("pagehide", () => { if (stream.source) this.tell({ bye: true }); stream.close(); });
    addEventListener("pageshow", (event) => { if (event.persisted && stream.at) this.take(); });
    if (stream.at && !document.hidden) this.tell({ mine: true });
  },

  take() { this.tell({ mine: true }); stream.open(); },
  tell(what) { if (this.channel) this.channel.postMessage(what); },
};

document.addEventListener("visibilitychange", () => {
  if (!stream.at) return;
  if (!document.hidden) { tabs.take(); tick(); } else if (stream.source && stream.usage) stream.open();
});

// --- What shows that something is FATAL --------------------------------------------------------------------------

function alarm(fatal) {
  const icon = one("#icon");
  const href = icon.getAttribute("href").replace(/icon(-fatal)?\.svg/, fatal ? "icon-fatal.svg" : "icon.svg");
  if (icon.getAttribute("href") !== href) icon.setAttribute("href", href);
  if (one("#processes")) document.title = (fatal ? `(${fatal} fatal) ` : "") + "Supervisor Status";
}

// --- The page from the server, again -----------------------------------------------------------------------------

async function freshPage() {
  const url = new URL(location);
  url.searchParams.delete("message");
  const response = await fetch(url, { headers: { Accept: "text/html" } });
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  return new DOMParser().parseFromString(await response.text(), "text/html");
}

// Only one at a time; what is asked for meanwhile comes after it.
function oneAtATime(act) {
  let running = false;
  let again = false;
  return async () => {
    if (running) { again = true; return; }
    running = true;
    do {
      again = false;
      try { await act(); } catch (error) { say(`ERROR: ${error.message}`); }
    } while (again);
    running = false;
  };
}

function take(page) {
  const other = one("#main", page);
  stream.at = other.dataset.at;
  clockAhead = Date.now() / 1000 - other.dataset.now;
  return other;
}

// --- Buttons -----------------------------------------------------------------------------------------------------

async function press(form, button, reload) {
  if (button.getAttribute("aria-busy") === "true") return;
  if (button.name === "Refresh") { await reload(); say("Page refreshed"); return; }
  button.setAttribute("aria-busy", "true");
  try {
    const response = await fetch(button.getAttribute("formaction") || button.href, {
      method: "POST",
      headers: { Accept: "text/plain" },
      body: new URLSearchParams(new FormData(form)),
    });
    if (response.status === 403) {
      await reload();
      say("ERROR: This page was older than the server's run. It is new now: press again");
    } else {
      say(response.ok ? await response.text() : `ERROR: the server answered ${response.status}`);
    }
  } catch (error) {
    say(`ERROR: ${error.message}`);
  } finally {
    button.removeAttribute("aria-busy");
  }
}

function pressable(reload) {
  main.addEventListener("submit", (event) => {
    if (event.target.method !== "post" || !event.submitter) return;
    event.preventDefault();
    press(event.target, event.submitter, reload);
  });
  main.addEventListener("click", async (event) => {
    const link = event.target.closest("a[data-action]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const number = all("tr.process").length;
    const everything = number === 1 ? "The one program" : `All ${number} programs`;
    const stop = link.dataset.action === "stopall";
    const consequence = stop ? `${everything} will be stopped, until somebody starts them.`
      : `${everything} will be stopped and started, also those that are stopped now.`;
    if (await sure(`${link.textContent}?`, consequence, link.textContent)) press(link.closest("form"), link, reload);
  });
}

// --- Charts ------------------------------------------------------------------------------------------------------

const SVG = "http://www.w3.org/2000/svg";

function line(values, width, height, least) {
  const most = Math.max(least, ...values);
  const step = width / (charts.kept - 1);
  const left = width - (values.length - 1) * step;
  const points = values.map((value, index) =>
    `${(left + index * step).toFixed(1)},${(height - value / most * (height - 2) - 1).toFixed(1)}`);
  const svg = document.createElementNS(SVG, "svg");
  for (const [name, value] of Object.entries({
    class: "line", width, height, viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true",
  })) svg.setAttribute(name, value);
  for (const [kind, d] of [["area", `M${left.toFixed(1)},${height}L${points.join(" ")}L${width},${height}Z`],
                           ["", `M${points.join("L")}`]]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    if (kind) path.setAttribute("class", kind);
    svg.append(path);
  }
  return svg;
}

function bytes(number) {
  for (const unit of ["B", "kB", "MB"]) {
    if (number < 1000) return `${number >= 100 || unit === "B" ? Math.round(number) : number.toFixed(1)} ${unit}`;
    number /= 1000;
  }
  return `${number.toFixed(1)} GB`;
}

const charts = {
  kept: 60,
  known: new Map(), // name -> { cpu: [...], memory: [...] }
  draw: () => {},

  // What is not in the news is as it was; null is over.
  take(news) {
    for (const [name, values] of Object.entries(news)) {
      if (!values) this.known.delete(name);
      else if (!this.known.has(name)) this.known.set(name, { cpu: [], memory: [] });
    }
    for (const [name, { cpu, memory: sizes }] of this.known) {
      const [nowCpu, nowSize] = news[name] || [last(cpu), last(sizes)];
      cpu.push(nowCpu);
      sizes.push(nowSize);
      if (cpu.length > this.kept) { cpu.shift(); sizes.shift(); }
      this.draw(name, { cpu, memory: sizes });
    }
  },
};

const last = (values) => values[values.length - 1];

// --- The status page ---------------------------------------------------------------------------------------------

function statusPage() {
  const filterName = one("#filter-name");
  const filterState = one("#filter-state");
  const live = one("#processes");
  const folded = new Set(memory.get("folded") || []);
  let rows = new Map();

  function fits(row) {
    const { name, state } = row.dataset;
    if (!name.toLowerCase().includes(filterName.value.toLowerCase())) return false;
    const wanted = filterState.value;
    if (wanted === "failed") return ["fatal", "backoff", "unknown"].includes(state);
    if (wanted === "down") return state !== "running";
    return !wanted || state === wanted;
  }

  function filter() {
    let shown = 0;
    for (const row of rows.values()) {
      row.hidden = !fits(row);
      if (!row.hidden) shown += 1;
    }
    for (const body of all("tbody[data-group]", live)) {
      one("tr.group", body).hidden = !one("tr.process:not([hidden])", body);
    }
    one("#nothing").hidden = shown > 0 || !rows.size;
    const filtered = Boolean(filterName.value || filterState.value);
    one("#show-all").hidden = !filtered;
    one("#shown").textContent = filtered ? `${shown} of ${rows.size}` : "";
    for (const chip of all("#counts a")) mark(chip);
  }

  function mark(chip) {
    if (chip.dataset.state === filterState.value) chip.setAttribute("aria-current", "true");
    else chip.removeAttribute("aria-current");
  }

  function filterChanged() {
    filter();
    const url = new URL(location);
    url.searchParams.delete("message");
    for (const [name, value] of [["filter", filterName.value], ["state", filterState.value]]) {
      if (value) url.searchParams.set(name, value); else url.searchParams.delete(name);
    }
    history.replaceState(null, "", url);
    for (const form of [live, one("#everything")]) {
      for (const [name, value] of [["filter", filterName.value], ["state", filterState.value]]) {
        let field = one(`input[name=${name}]`, form);
        if (!field) form.append(field = make("input", { type: "hidden", name }));
        field.value = value;
      }
    }
  }

  const words = [...filterState.options].map((option) => option.value).slice(3);

  function counts(rows) {
    const numbers = new Map();
    for (const row of rows) numbers.set(row.dataset.state, (numbers.get(row.dataset.state) || 0) + 1);
    return words.filter((word) => numbers.has(word)).map((word) => [word, numbers.get(word)]);
  }

  function count(bodies) {
    const list = one("#counts");
    const known = new Map(all("a", list).map((chip) => [chip.dataset.state, chip]));
    const numbers = counts(rows.values());
    // One that has the focus stays where it is.
    list.replaceChildren(...numbers.map(([word, number]) => {
      const chip = known.get(word) || make("a", { class: word, href: `./?state=${word}`, "data-state": word });
      chip.textContent = `${number} ${word}`;
      mark(chip);
      return chip;
    }));
    const fatal = new Map(numbers).get("fatal") || 0;
    for (const body of bodies) {
      one("tr.group .desc", body).textContent =
        counts(all("tr.process", body)).map(([word, number]) => `${number} ${word}`).join(", ");
    }
    alarm(fatal);
    tabs.tell({ fatal });
  }

  function look() {
    rows = new Map(all("tr.process", live).map((row) => [row.dataset.name, row]));
    inView.clear();
    for (const row of rows.values()) inView.watch(row);
    for (const box of all("input.fold", live)) {
      box.checked = !folded.has(box.closest("tbody").dataset.group);
    }
    filter();
    count([]);
  }

  const reload = oneAtATime(async () => {
    const page = await freshPage();
    const other = take(page);
    const focus = whatHasFocus();
    live.replaceChildren(...one("#processes", other).childNodes);
    one("#everything input[name=token]").value = one("#everything input[name=token]", other).value;
    one("#restarts").replaceWith(one("#restarts", page));
    look();
    focus();
    if (!document.hidden || stream.source) stream.open();
  });

  // Remembers which control has the focus; the result gives it to the one that has taken its place, or to another one
  // of the same process for as long as there is none: Stop goes while a program stops, and Start follows.
  let standIn = {};

  function whatHasFocus() {
    const element = document.activeElement;
    const row = element && element.closest("tr.process");
    if (!row) return () => {};
    const label = element === standIn.element ? standIn.label : element.textContent;
    return () => {
      if (document.activeElement && document.activeElement !== document.body) return;
      const now = rows.get(row.dataset.name);
      if (!now || now.hidden) return;
      const controls = all("a, button", now);
      const same = controls.find((control) => control.textContent === label);
      const next = same || one("td.action button", now);
      standIn = same ? {} : { element: next, label };
      next.focus({ preventScroll: true });
    };
  }

  stream.onStale = reload;
  stream.onRows = (data) => {
    const holder = document.createElement("template");
    holder.innerHTML = `<table><tbody>${data}</tbody></table>`;
    const focus = whatHasFocus();
    const bodies = new Set();
    for (const row of all("tr.process", holder.content)) {
      const old = rows.get(row.dataset.name);
      if (!old) { reload(); return; }
      const changed = row.dataset.state !== old.dataset.state || row.dataset.start !== old.dataset.start;
      row.hidden = !fits(row);
      if (changed) row.classList.add("changed");
      old.replaceWith(row);
      rows.set(row.dataset.name, row);
      inView.forget(old);
      inView.watch(row);
      const body = row.closest("tbody");
      if (body.dataset.group !== undefined) bodies.add(body);
    }
    for (const body of bodies) one("tr.group", body).hidden = !one("tr.process:not([hidden])", body);
    if (filterName.value || filterState.value) filter();
    count(bodies);
    focus();
  };

  charts.draw = (name, values) => {
    const row = rows.get(name);
    if (!stream.usage || !inView.elements.has(row)) return;
    one("td.usage", row).replaceChildren(
      line(values.cpu, 80, 20, 5), `${last(values.cpu).toFixed(1)} %, ${bytes(last(values.memory))}`);
  };

  inView.onSeen = (row) => {
    const values = charts.known.get(row.dataset.name);
    if (values) charts.draw(row.dataset.name, values);
  };

  if (main.dataset.usage) {
    const toggle = make("button", { type: "button", "aria-pressed": "false" }, "CPU and memory");
    const show = (on) => {
      stream.usage = on;
      toggle.setAttribute("aria-pressed", on);
      main.classList.toggle("with-usage", on);
      inView.elements.forEach(inView.onSeen);
    };
    show(Boolean(memory.get("usage")));
    toggle.addEventListener("click", () => { show(!stream.usage); memory.set("usage", stream.usage); stream.open(); });
    one("#everything").prepend(toggle);
  }

  filterName.addEventListener("input", filterChanged);
  filterState.addEventListener("change", filterChanged);
  one("#filter").addEventListener("submit", (event) => { event.preventDefault(); filterChanged(); });
  one("#filter button").hidden = true;
  one("#show-all").addEventListener("click", (event) => {
    event.preventDefault();
    filterName.value = filterState.value = "";
    filterChanged();
    filterName.focus();
  });
  one("#counts").addEventListener("click", (event) => {
    const chip = event.target.closest("a");
    if (!chip || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    filterState.value = filterState.value === chip.dataset.state ? "" : chip.dataset.state;
    filterChanged();
  });
  live.addEventListener("change", (event) => {
    if (!event.target.matches("input.fold")) return;
    const { group } = event.target.closest("tbody").dataset;
    if (event.target.checked) folded.delete(group); else folded.add(group);
    memory.set("folded", [...folded]);
  });

  // The message is read once; a reload does not bring it back.
  const message = one(".status_msg");
  if (message) {
    say(message.textContent);
    message.remove();
    filterChanged();
  }
  pressable(reload);
  look();
}

// --- The page of one process -------------------------------------------------------------------------------------

function processPage() {
  const place = one("#live-charts");
  if (place) {
    const captions = {};
    const drawings = {};
    for (const kind of ["cpu", "memory"]) {
      captions[kind] = make("figcaption");
      drawings[kind] = make("div");
      const figure = make("figure", { hidden: "" }, captions[kind], drawings[kind]);
      place.append(figure);
    }
    charts.draw = (_, { cpu, memory: sizes }) => {
      captions.cpu.textContent = `CPU ${last(cpu).toFixed(1)} %`;
      captions.memory.textContent = `Memory ${bytes(last(sizes))}`;
      drawings.cpu.replaceChildren(line(cpu, 240, 56, 5));
      drawings.memory.replaceChildren(line(sizes, 240, 56, 1));
      for (const figure of all("figure", place)) figure.hidden = false;
    };
  }
  stream.usage = Boolean(main.dataset.usage);

  const reload = oneAtATime(async () => {
    const page = await freshPage();
    const other = take(page);
    const label = document.activeElement && main.contains(document.activeElement) && document.activeElement.textContent;
    const kept = one("#live-charts");
    const its = one("#live-charts", other);
    if (kept && its) its.replaceWith(kept);
    main.replaceChildren(...other.childNodes);
    const icon = one("#icon", page).getAttribute("href");
    if (one("#icon").getAttribute("href") !== icon) one("#icon").setAttribute("href", icon);
    if (label) (all("a, button", main).find((control) => control.textContent === label) || main).focus();
    look();
  });
  function look() {
    inView.clear();
    inView.watch(one(".now"));
  }
  look();
  stream.onRows = reload;
  stream.onStale = async () => { await reload(); stream.open(); };
  pressable(reload);
}

// --- A log that goes on ------------------------------------------------------------------------------------------

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

// --- Which page this is ------------------------------------------------------------------------------------------

if (!main) return;
if (main.dataset.stream) { logPage(); tabs.start(); }
if (main.dataset.at) {
  stream.at = main.dataset.at;
  clockAhead = Date.now() / 1000 - main.dataset.now;
  if (main.dataset.process) processPage(); else statusPage();
  one(".header-end").append(stream.sign);
  tabs.start();
  stream.open();
  setInterval(tick, 1000);
}

})();
