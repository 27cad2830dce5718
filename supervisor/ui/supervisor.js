// What the scripts of all pages share. The pages work without scripts. With them they change by themselves: the server
// says what has changed (events), and a log goes on as it is written (logtail/*). Text from programs is only ever set as
// text; markup comes from the server's own pages alone.
"use strict";

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

function showConnection(sign, on, text) {
  sign.className = `connection ${on ? "on" : "off"}`;
  if (sign.textContent !== text) sign.textContent = text;
}

// --- The stream of changes ---------------------------------------------------------------------------------------

const stream = {
  source: null,
  at: "",
  usage: false,
  hears: {}, // what a page does with an event, by its kind: rows, restarts, stale, usage
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
    hear("fatal", (data) => { alarm(Number(data)); tabs.tell({ fatal: Number(data) }); });
    for (const [kind, act] of Object.entries(this.hears)) hear(kind, act);
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

  show(on, text) { showConnection(this.sign, on, text); },
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
  if (!document.hidden) tabs.take(); else if (stream.source && stream.usage) stream.open();
});

// --- What shows that something is FATAL --------------------------------------------------------------------------

function alarm(fatal) {
  const icon = one("#icon");
  const href = icon.getAttribute("href").replace(/icon(-fatal)?\.svg/, fatal ? "icon-fatal.svg" : "icon.svg");
  if (icon.getAttribute("href") !== href) icon.setAttribute("href", href);
  if (one("#processes")) document.title = (fatal ? `(${fatal} fatal) ` : "") + "Supervisor Status";
}
