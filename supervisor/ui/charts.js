// What programs use of processor and memory, drawn.
"use strict";

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

stream.hears.usage = (data) => charts.take(JSON.parse(data));
