// The page of all programs: rows that change by themselves, the filter, counts, groups, what programs use.
"use strict";

const table = one("#processes");
const everything = one("#everything");
const filterName = one("#filter-name");
const filterState = one("#filter-state");
let rows = new Map(); // by name

// --- Filter ------------------------------------------------------------------------------------------------------

function fits(row) {
  const { name, state } = row.dataset;
  if (!name.toLowerCase().includes(filterName.value.toLowerCase())) return false;
  const wanted = filterState.value;
  if (wanted === "failed") return ["fatal", "backoff", "unknown"].includes(state);
  if (wanted === "down") return state !== "running";
  return !wanted || state === wanted;
}

function isFiltered() { return Boolean(filterName.value || filterState.value); }

// A group without a member to be seen is not to be seen itself.
function hideEmptyGroups(bodies) {
  for (const body of bodies) one("tr.group", body).hidden = !one("tr.process:not([hidden])", body);
}

function filter() {
  let shown = 0;
  for (const row of rows.values()) {
    row.hidden = !fits(row);
    if (!row.hidden) shown += 1;
  }
  hideEmptyGroups(all("tbody[data-group]", table));
  one("#nothing").hidden = shown > 0 || !rows.size;
  one("#show-all").hidden = !isFiltered();
  one("#shown").textContent = isFiltered() ? `${shown} of ${rows.size}` : "";
  for (const chip of all("#counts a")) mark(chip);
}

function mark(chip) {
  if (chip.dataset.state === filterState.value) chip.setAttribute("aria-current", "true");
  else chip.removeAttribute("aria-current");
}

// The address and the page after a form follow the filter.
function filterChanged() {
  filter();
  const url = new URL(location);
  url.searchParams.delete("message");
  for (const [name, value] of [["filter", filterName.value], ["state", filterState.value]]) {
    if (value) url.searchParams.set(name, value); else url.searchParams.delete(name);
    for (const form of [table, everything]) {
      let field = one(`input[name=${name}]`, form);
      if (!field) form.append(field = make("input", { type: "hidden", name }));
      field.value = value;
    }
  }
  history.replaceState(null, "", url);
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

// --- Counts ------------------------------------------------------------------------------------------------------

// The states themselves; before them the filter offers sets of states.
const states = [...filterState.options].map((option) => option.value).slice(3);

function tally(rows) {
  const numbers = new Map();
  for (const row of rows) numbers.set(row.dataset.state, (numbers.get(row.dataset.state) || 0) + 1);
  return states.filter((state) => numbers.has(state)).map((state) => [state, numbers.get(state)]);
}

function count(bodies) {
  const list = one("#counts");
  const known = new Map(all("a", list).map((chip) => [chip.dataset.state, chip]));
  const numbers = tally(rows.values());
  // One that has the focus stays where it is.
  list.replaceChildren(...numbers.map(([state, number]) => {
    const chip = known.get(state) || make("a", { class: state, href: `./?state=${state}`, "data-state": state });
    chip.textContent = `${number} ${state}`;
    mark(chip);
    return chip;
  }));
  for (const body of bodies) {
    one("tr.group .desc", body).textContent =
      tally(all("tr.process", body)).map(([state, number]) => `${number} ${state}`).join(", ");
  }
  const fatal = new Map(numbers).get("fatal") || 0;
  alarm(fatal);
  tabs.tell({ fatal });
}

// --- Groups ------------------------------------------------------------------------------------------------------

const folded = new Set(memory.get("folded") || []);

function fold() {
  for (const box of all("input.fold", table)) box.checked = !folded.has(box.closest("tbody").dataset.group);
}

table.addEventListener("change", (event) => {
  if (!event.target.matches("input.fold")) return;
  const { group } = event.target.closest("tbody").dataset;
  if (event.target.checked) folded.delete(group); else folded.add(group);
  memory.set("folded", [...folded]);
});

// --- What programs use -------------------------------------------------------------------------------------------

charts.draw = (name, { cpu, memory: sizes }) => {
  const row = rows.get(name);
  if (!stream.usage || !inView.elements.has(row)) return;
  const numbers = make("span", {}, `${last(cpu).toFixed(1)} %, ${bytes(last(sizes))}`);
  one("td.usage", row).replaceChildren(numbers, line(cpu, 64, 20, 5));
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
  everything.prepend(toggle);
}

// --- What changes ------------------------------------------------------------------------------------------------

function look() {
  rows = new Map(all("tr.process", table).map((row) => [row.dataset.name, row]));
  inView.clear();
  for (const row of rows.values()) inView.watch(row);
  fold();
  filter();
  count([]);
}

const reload = oneAtATime(async () => {
  const page = await freshPage();
  const other = take(page);
  const focus = whatHasFocus();
  table.replaceChildren(...one("#processes", other).childNodes);
  one("input[name=token]", everything).value = one("#everything input[name=token]", other).value;
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

function replaceRow(old, row) {
  row.hidden = !fits(row);
  if (row.dataset.state !== old.dataset.state || row.dataset.start !== old.dataset.start) row.classList.add("changed");
  old.replaceWith(row);
  rows.set(row.dataset.name, row);
  inView.forget(old);
  inView.watch(row);
}

stream.hears.rows = (data) => {
  const holder = document.createElement("template");
  holder.innerHTML = `<table><tbody>${data}</tbody></table>`;
  const focus = whatHasFocus();
  const bodies = new Set();
  for (const row of all("tr.process", holder.content)) {
    const old = rows.get(row.dataset.name);
    if (!old) { reload(); return; }
    replaceRow(old, row);
    const body = row.closest("tbody");
    if (body.dataset.group !== undefined) bodies.add(body);
  }
  hideEmptyGroups(bodies);
  if (isFiltered()) filter();
  count(bodies);
  focus();
};
stream.hears.restarts = (data) => { one("#restarts").innerHTML = data; };
stream.hears.stale = reload;

// The message is read once; a reload of the page does not bring it back.
const message = one(".status_msg");
if (message) {
  say(message.textContent);
  message.remove();
  filterChanged();
}
pressable(reload);
look();
goLive();
