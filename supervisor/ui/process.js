// The page of one program: its state, charts, reason and last lines, taken anew when something changes.
"use strict";

const chartPlace = one("#live-charts");

function makeFigure() {
  const caption = make("figcaption");
  const drawing = make("div");
  const figure = make("figure", { hidden: "" }, caption, drawing);
  chartPlace.append(figure);
  return (text, values, least) => {
    caption.textContent = text;
    drawing.replaceChildren(line(values, 240, 56, least));
    figure.hidden = false;
  };
}

if (chartPlace) {
  const drawCpu = makeFigure();
  const drawMemory = makeFigure();
  charts.draw = (_, { cpu, memory: sizes }) => {
    drawCpu(`CPU ${last(cpu).toFixed(1)} %`, cpu, 5);
    drawMemory(`Memory ${bytes(last(sizes))}`, sizes, 1);
  };
}

function watchUptime() {
  inView.clear();
  inView.watch(one(".now"));
}

const reload = oneAtATime(async () => {
  const page = await freshPage();
  const other = take(page);
  const label = document.activeElement && main.contains(document.activeElement) && document.activeElement.textContent;
  const its = one("#live-charts", other);
  if (chartPlace && its) its.replaceWith(chartPlace);
  main.replaceChildren(...other.childNodes);
  const icon = one("#icon", page).getAttribute("href");
  if (one("#icon").getAttribute("href") !== icon) one("#icon").setAttribute("href", icon);
  if (label) (all("a, button", main).find((control) => control.textContent === label) || main).focus();
  watchUptime();
});

stream.usage = Boolean(main.dataset.usage);
stream.hears.rows = reload;
stream.hears.stale = async () => { await reload(); stream.open(); };
pressable(reload);
watchUptime();
goLive();
