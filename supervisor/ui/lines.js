// The lines of a log as elements: the newest ones, as many as a browser can bear. They stand in blocks, of which it works
// on those to be seen only.
"use strict";

const LINES_KEPT = 30000;
const TEXT_KEPT = 6000000;
const LINES_IN_BLOCK = 250;
const LONGEST_LINE = 8000;
const LINES_AT_A_TIME = 2500;

class Lines {
  constructor(box) {
    this.box = box;
    this.onShown = () => {}; // told of a line when it is new or longer, and whether it has ended
    this.clear();
  }

  clear() {
    this.box.replaceChildren();
    this.pending = "";  // not shown yet
    this.size = 0;      // characters to be seen
    this.number = 0;    // lines
    this.block = null;
    this.open = null;   // the last line, not ended yet: { element, text, painter }
    this.painter = new Painter();
  }

  add(text) {
    this.pending += text;
    if (this.pending.length <= TEXT_KEPT) return;
    const end = this.pending.indexOf("\n", this.pending.length - TEXT_KEPT);
    this.pending = this.pending.slice(end < 0 ? -TEXT_KEPT : end + 1);
  }

  // As much of what is pending as can be shown in one go.
  showSome() {
    const { pending } = this;
    let begin = 0;
    for (let count = 0; count < LINES_AT_A_TIME; count += 1) {
      const end = pending.indexOf("\n", begin);
      const shown = this.open ? this.open.text.length : 0;
      const length = (end < 0 ? pending.length : end) - begin + shown;
      if (length > LONGEST_LINE) {
        const cut = begin + Math.max(1, LONGEST_LINE - shown);
        this.show(pending.slice(begin, cut), true);
        begin = cut;
      } else if (end < 0) {
        if (begin < pending.length) this.show(pending.slice(begin), false);
        begin = pending.length;
        break;
      } else {
        this.show(pending.slice(begin, end), true);
        begin = end + 1;
      }
    }
    this.pending = pending.slice(begin);
  }

  show(text, ended) {
    if (this.open) { text = this.open.text + text; this.painter = this.open.painter; }
    const element = this.open ? this.open.element : this.newLine();
    const before = this.painter.copy();
    this.size -= element.textContent.length;
    this.painter.paint(element, text);
    this.size += element.textContent.length;
    this.open = ended ? null : { element, text, painter: before };
    this.onShown(element, ended);
  }

  newLine() {
    if (!this.block || this.block.childElementCount >= LINES_IN_BLOCK) {
      this.box.append(this.block = make("div", { class: "block" }));
    }
    const element = make("div", { class: "line" });
    this.block.append(element);
    this.number += 1;
    return element;
  }

  // Oldest blocks go when there is too much. What is seen stays where it is, unless the end is followed anyway.
  forget(following) {
    while ((this.number > LINES_KEPT || this.size > TEXT_KEPT) && this.box.childElementCount > 1) {
      const first = this.box.firstElementChild;
      const height = following ? 0 : first.offsetHeight;
      this.number -= first.childElementCount;
      this.size -= first.textContent.length;
      first.remove();
      if (height) this.box.scrollTop -= height;
    }
  }
}
