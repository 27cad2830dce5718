// Text with escape sequences as elements: colours are kept, control characters made visible.
"use strict";

// Escape sequences: colours are kept, all others have no meaning here.
const ESCAPES = /\x1b(?:\[([0-?]*)[ -/]*([@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|[ -/]*[0-~])/g;
const PRIVATE = /[<=>?]/;
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
      if (found[2] === "m" && !PRIVATE.test(found[1])) this.sequence(found[1]);
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
