"use strict";
// Steps over time: above what happened, below the forecast. The table tells it in words too.

const CURVE_POINTS = 600;
const curve = [];

/** The forecast's steps in seconds since the epoch; those of a plan from 0. */
function forecastSpans(head, forecast) {
  const spans = {};
  if (forecast) {
    const steps = forecast.typical.steps;
    const created = steps.find((step) => step.name === "CreateTarget")?.began ?? 0;
    const began = head.mode === "plan" ? 0 : (head.times.started ?? 0) - created;
    if (head.mode !== "plan" && !head.times.started) return { spans, began: null };
    for (const step of steps) {
      const name = step.name.split(" ")[0];
      spans[name] ??= [began + step.began, began + step.ended];
      spans[name][1] = Math.max(spans[name][1], began + step.ended);
    }
    return { spans, began };
  }
  const moving = head.steps.find((step) => step.moves && step.state !== "done");
  const eta = head.times.eta;
  const drain = moving && head.spans[moving.name];
  if (drain && eta) spans[moving.name] = [drain[0], eta];
  return { spans, began: null };
}

function drawTimeline(head, forecast, now) {
  const { spans: expected, began } = forecastSpans(head, forecast);
  const seen = Object.values(head.spans).map(([from, to]) => [from, to ?? now]);
  const all = [...seen, ...Object.values(expected)];
  const from = all.length ? Math.min(...all.map((pair) => pair[0])) : 0;
  const to = all.length ? Math.max(from + 1, ...all.map((pair) => pair[1])) : 1;
  const part = (at) => `${(100 * (at - from)) / (to - from)}%`;
  const bar = (className, [start, end]) => {
    const drawn = element("i", className);
    drawn.style.left = `min(${part(start)}, 100% - 3px)`;
    if (end > start) drawn.style.width = `${(100 * (end - start)) / (to - from)}%`;
    return drawn;
  };
  const rows = head.steps.map((step) => {
    const lane = element("div", "lane");
    lane.setAttribute("aria-hidden", "true");
    const happened = head.spans[step.name];
    const forecasted = expected[step.name];
    if (happened) {
      const look = step.state === "done" ? "done" : head.verdict === "waiting" ? "waits" : "";
      lane.append(bar(`happened ${look}`, [happened[0], happened[1] ?? now]));
    }
    if (forecasted) lane.append(bar("forecast", forecasted));
    if (step.moves && forecast && began !== null) {
      for (const batch of forecast.typical.batches) lane.append(bar("batch", [began + batch.began, began + batch.began]));
    }
    if (head.mode === "live" && !head.ended && seen.length) lane.append(bar("mark", [now, now]));
    const words = { done: "✓", now: "●", next: "○" };
    const said = { done: "done", now: "under way", next: "to come" };
    const mark = element("span", "", words[step.state]);
    mark.setAttribute("role", "img");
    mark.setAttribute("aria-label", said[step.state]);
    const batch = step.moves && head.batch.index && step.state === "now" ? ` · batch ${head.batch.index} of ${head.batch.of}` : "";
    const label = element("th", "", mark, ` ${step.name}${batch}`);
    label.scope = "row";
    const row = element("tr", step.state, label,
      element("td", "", happened ? span((happened[1] ?? now) - happened[0]) : ""),
      element("td", "", forecasted ? span(forecasted[1] - forecasted[0]) : ""),
      element("td", "", lane));
    return row;
  });
  document.querySelector("#timeline tbody").replaceChildren(...rows);
  drawCurve(head, forecast, began, now);
}

/** The points of a forecast from the first on that counts pods: before, nothing has counted them. */
function countedPoints({ typical: { points } }) {
  return points.slice(Math.max(0, points.findIndex((point) => point.remaining)));
}

/** Pods that are left: as forecast, and as seen since the page was opened. */
function drawCurve(head, forecast, began, now) {
  const left = head.pods.remaining;
  const running = head.mode === "live" && head.times.started && !head.ended;
  if (running && curve.at(-1)?.[1] !== left) curve.push([now, left]);
  if (curve.length > CURVE_POINTS) curve.splice(1, 1);
  const seen = curve.length && running ? [...curve, [now, left]] : [...curve];
  const expected = forecast && began !== null ? countedPoints(forecast).map((point) => [began + point.at, point.remaining]) : [];
  const figure = byId("curve");
  const points = [...seen, ...expected];
  figure.hidden = points.length < 3;
  if (figure.hidden) return;
  const from = Math.min(...points.map(([at]) => at));
  const to = Math.max(from + 1, ...points.map(([at]) => at));
  const most = Math.max(1, ...points.map(([, value]) => value));
  const path = (values) => values.map(([at, value], index) => {
    const x = (1000 * (at - from)) / (to - from);
    const y = 118 - (114 * value) / most;
    return index ? `H${x.toFixed(1)}V${y.toFixed(1)}` : `M${x.toFixed(1)},${y.toFixed(1)}`;
  }).join("");
  const drawn = [["forecast", expected], ["happened", seen]].filter(([, values]) => values.length).map(([name, values]) => {
    const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
    line.setAttribute("class", name);
    line.setAttribute("d", path(values));
    return line;
  });
  figure.querySelector("svg").replaceChildren(...drawn);
  const parts = [seen.length ? "solid: seen" : "", expected.length ? "dashed: forecast" : ""].filter(Boolean);
  setText(figure.querySelector("figcaption"), `Pods left on the source, at most ${most}; over ${span(to - from)} (${parts.join(", ")})`);
}
