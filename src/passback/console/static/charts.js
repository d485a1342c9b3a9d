// Small charts of the figures in an element's data-chart. What they show is also in a table.

function colours() {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(["accent", "bad", "muted", "line"].map((it) => [it, style.getPropertyValue(`--${it}`).trim()]));
}

function clockTime(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
}

function draw(place) {
  const { at, series } = JSON.parse(place.dataset.chart);
  const { accent, bad, muted, line } = colours();
  const looks = [{ stroke: accent, width: 2 }, { stroke: bad, width: 2, dash: [5, 3] }];
  const axis = { stroke: muted, grid: { stroke: line, width: 1 }, ticks: { show: false } };
  place.replaceChildren();
  new uPlot(
    {
      width: place.clientWidth,
      height: 130,
      cursor: { show: false },
      legend: { live: false },
      scales: { y: { range: (_, __, most) => [0, Math.max(most, 1)] } },
      axes: [{ ...axis, size: 28, space: 70, values: (_, ticks) => ticks.map(clockTime) }, { ...axis, size: 44 }],
      series: [{}, ...series.map(({ label }, index) => ({ label, points: { show: false }, ...looks[index] }))],
    },
    [at, ...series.map((it) => it.values)],
    place,
  );
}

const drawAll = () => document.querySelectorAll("[data-chart]").forEach(draw);

drawAll();
addEventListener("resize", drawAll);
document.addEventListener("htmx:after:swap", drawAll);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
new MutationObserver(drawAll).observe(document.documentElement, { attributeFilter: ["data-theme"] });
