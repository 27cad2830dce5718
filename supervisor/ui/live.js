// What the pages of programs share, of all and of one: messages, uptimes, the page taken anew, buttons.
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

// From now on the page changes by itself.
function goLive() {
  take(document);
  one(".header-end").append(stream.sign);
  tabs.start();
  stream.open();
  setInterval(tick, 1000);
  document.addEventListener("visibilitychange", tick);
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
    const consequence = stop ? `${everything} will be stopped until somebody starts them.`
      : `${everything} will be stopped and started, those that are stopped now too.`;
    if (await sure(`${link.textContent}?`, consequence, link.textContent)) press(link.closest("form"), link, reload);
  });
}
