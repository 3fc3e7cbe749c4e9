"use strict";
// The state of the page, where it comes from, and when it is drawn.

const ANSWER_MS = 10000;
const cluster = new Cluster();
const budgets = new Map();
const page = { head: null, forecast: null, offset: 0, shown: { pool: null, node: null } };
const pools = ["source", "target"].map((side) =>
  new Pool(byId(side), side, cluster, (pool, node) => {
    page.shown = { pool, node };
    drawDetail(pool, node);
  }));
let scheduled = false;
let panelsDue = false;

const now = () => (page.still ?? Date.now() / 1000 + page.offset);

function redraw() {
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(frame);
}

/** One frame: the panels, or as many nodes as the time allows. */
function frame() {
  scheduled = false;
  if (page.head === null) return;
  if (cluster.regrouped) regroup();
  if (panelsDue) {
    panelsDue = false;
    drawPanels();
    redraw();
    return;
  }
  const until = performance.now() + FRAME_MS;
  const changed = [...cluster.changed];
  cluster.changed.clear();
  for (const pool of pools) pool.changed(changed);
  if (page.shown.node !== null && changed.includes(page.shown.node)) drawDetail(page.shown.pool, page.shown.node);
  const left = pools.map((pool) => pool.draw(until));
  if (left.includes(true)) redraw();
}

/** Nodes of the source that are gone, and of a record all nodes, are only counted. */
function regroup() {
  const { head } = page;
  cluster.regrouped = false;
  const present = (side) => [...cluster.nodes.values()].filter((row) => row.side === side).length;
  const counted = head.mode !== "plan" && !head.inPlace && (head.mode === "record" || head.synced);
  const [source, target] = [present("source"), present("target")];
  const gone = counted && head.times.started ? Math.max(0, head.nodes.total - source) : 0;
  const recorded = head.mode === "record" ? Math.max(0, head.nodes.targetReady - target) : 0;
  pools[0].group(gone, "deleted node");
  pools[1].group(recorded, "node");
}

function drawPanels() {
  const { head, forecast } = page;
  drawHead(head, now());
  drawBlockers(head, now());
  drawTimeline(head, forecast, now());
  drawBudgets(head, budgets);
  drawHistory(head, now());
  drawActions(head, act);
  const names = [head.inPlace ? `${head.source}: before` : head.source, head.inPlace ? `${head.source}: Azure Linux` : head.target];
  pools.forEach((pool, at) => {
    setText(pool.root.querySelector("h3"), names[at]);
    pool.list.setAttribute("aria-label", `Nodes of ${names[at]}`);
    setText(pool.root.querySelector(".count"), counts(pool));
  });
  const waiting = cluster.podsOn("").size;
  setText(byId("unplaced"), waiting ? `${count(waiting, "pod")} of the cluster ${waiting === 1 ? "waits" : "wait"} for a node` : "");
}

function counts(pool) {
  const states = {};
  let pods = 0;
  for (const name of pool.order) {
    const state = cluster.stateOf(name, pool.rowOf(name));
    states[state] = (states[state] ?? 0) + 1;
    pods += cluster.toMove(name);
  }
  const parts = Object.entries(states).map(([state, number]) => `${number} ${NODE_WORDS[state]}`);
  const nodes = pool.order.length ? `${count(pool.order.length, "node")}: ${parts.join(", ")}` : "no nodes";
  return page.head.mode === "record" ? nodes : `${nodes} · ${count(pods, "pod")}`;
}

function take(message) {
  page.offset = (message.now ?? 0) - Date.now() / 1000;
  if (message.head) {
    page.head = message.head;
    const counted = [page.head.nodes.total, page.head.nodes.targetReady, page.head.synced, page.head.times.started].join();
    if (page.counted !== counted) cluster.regrouped = true;
    page.counted = counted;
  }
  if (message.forecast) page.forecast = message.forecast;
  if (message.rows?.reset) budgets.clear();
  for (const [key, row] of Object.entries(message.rows?.budgets ?? {})) {
    if (row === null) budgets.delete(key);
    else budgets.set(key, row);
  }
  if (message.rows) cluster.take(message.rows);
  panelsSoon();
  redraw();
}

/** Panels are rebuilt at most twice a second: nobody reads faster, and frames stay short. */
function panelsSoon() {
  panelsSoon.timer ??= setTimeout(() => {
    panelsSoon.timer = undefined;
    panelsDue = true;
    redraw();
  }, panelsSoon.begun ? 500 : 0);
  panelsSoon.begun = true;
}

async function act(verb) {
  setText(byId("answer"), `${verb} …`);
  try {
    const answer = await fetch(verb, { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" });
    setText(byId("answer"), (answer.ok ? "" : `${verb} failed: `) + await answer.text());
    if (answer.ok) setTimeout(() => setText(byId("answer"), ""), ANSWER_MS);
  } catch (error) {
    setText(byId("answer"), `${verb} failed: ${error.message}`);
  }
}

function setLink(className, text) {
  byId("link").className = `link ${className}`;
  setText(byId("link"), text);
}

function follow() {
  const source = new EventSource("events");
  source.addEventListener("open", () => setLink("live", "live"));
  source.addEventListener("error", () => setLink("lost", "not connected: is azlm ui still running?"));
  source.addEventListener("message", (event) => take(JSON.parse(event.data)));
  setInterval(() => { if (page.head && !page.head.ended) panelsSoon(); }, 1000);
}

function begin() {
  readColours();
  drawLegend();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    readColours();
    drawLegend();
    for (const pool of pools) pool.layout(true);
    redraw();
  });
  const data = JSON.parse(byId("data").textContent);
  if (data === null) return follow();
  setLink("", data.head.mode === "plan" ? "forecast: nothing was touched" : "from its record");
  take(data);
  page.still = data.now;
  return undefined;
}

begin();
