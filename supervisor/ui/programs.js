// The pages of all programs and of one: live rows, uptime, filter, buttons, charts.
"use strict";

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

// --- Which page this is ------------------------------------------------------------------------------------------

if (main && main.dataset.at) {
  stream.at = main.dataset.at;
  clockAhead = Date.now() / 1000 - main.dataset.now;
  if (main.dataset.process) processPage(); else statusPage();
  one(".header-end").append(stream.sign);
  tabs.start();
  stream.open();
  setInterval(tick, 1000);
}
