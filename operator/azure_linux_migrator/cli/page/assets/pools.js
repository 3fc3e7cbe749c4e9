"use strict";
// The two pools: a cell for each node, which the keyboard reaches, and a canvas over all cells, on
// which each pod is a mark. Only cells that have changed are drawn, within a budget for each frame.

const GAP = 4;
const FRAME_MS = 6;
const POD_STATES = ["running", "starting", "leaving", "failing", "stays"];
const POD_WORDS = {
  running: "pod, Ready", starting: "starting", leaving: "terminating",
  failing: "failing", stays: "stays with its node",
};
const NODE_WORDS = {
  fresh: "schedulable", cordoned: "cordoned", draining: "draining", drained: "drained",
  notready: "not Ready", gone: "deleted",
};
const GONE = { ready: true, cordoned: false, batch: 0, recorded: true };

/** Pods by node; the state of a node follows from them. */
class Cluster {
  constructor() { this.clear(); }

  clear() {
    this.nodes = new Map();
    this.pods = new Map();
    this.onNode = new Map();
    this.moving = new Map();
    this.changed = new Set();
    this.regrouped = true;
  }

  take(rows) {
    if (rows.reset) this.clear();
    for (const [name, row] of Object.entries(rows.nodes ?? {})) {
      const before = this.nodes.get(name);
      if (row === null) this.nodes.delete(name);
      else this.nodes.set(name, row);
      if (before?.side !== row?.side) this.regrouped = true;
      this.changed.add(name);
    }
    for (const [key, row] of Object.entries(rows.pods ?? {})) {
      const before = this.pods.get(key);
      if (before) {
        this.pods.delete(key);
        this.onNode.get(before[0]).delete(key);
        this.count(before, -1);
      }
      if (row === null) continue;
      this.pods.set(key, row);
      if (!this.onNode.has(row[0])) this.onNode.set(row[0], new Map());
      this.onNode.get(row[0]).set(key, row[1]);
      this.count(row, 1);
    }
  }

  count([name, state], change) {
    this.changed.add(name);
    if (state !== "stays") this.moving.set(name, this.toMove(name) + change);
  }

  podsOn(name) { return this.onNode.get(name) ?? new Map(); }

  /** How many of its pods have to move, or have come. */
  toMove(name) { return this.moving.get(name) ?? 0; }

  stateOf(name, row) {
    if (row.gone) return "gone";
    if (!row.ready) return "notready";
    if (row.side === "target" || !row.cordoned) return "fresh";
    if (!row.batch) return "cordoned";
    return this.toMove(name) ? "draining" : "drained";
  }
}

/** One pool. */
class Pool {
  constructor(root, side, cluster, onActive) {
    Object.assign(this, { root, side, cluster, onActive });
    this.list = root.querySelector(".cells");
    this.canvas = root.querySelector("canvas");
    this.paint = this.canvas.getContext("2d");
    this.cells = new Map();
    this.order = [];
    this.dirty = new Set();
    this.active = -1;
    this.width = 0;
    this.most = 0;
    this.prefix = 0;
    new ResizeObserver(() => { this.layout(); redraw(); }).observe(root.querySelector(".grid"));
    this.list.addEventListener("keydown", (event) => this.key(event));
    this.list.addEventListener("click", (event) => this.choose(this.order.indexOf(event.target.dataset?.node)));
  }

  /** The nodes that there are, and `ghosts` that are only counted. */
  group(ghosts, ghost) {
    const present = [...this.cluster.nodes].filter(([, row]) => row.side === this.side).map(([name]) => name);
    present.sort(byName);
    const counted = Array.from({ length: ghosts }, (_, at) => `${ghost} ${at + 1}`);
    const order = [...present, ...counted];
    if (order.length === this.order.length && order.every((name, at) => name === this.order[at])) return;
    const before = this.order[this.active];
    this.order = order;
    for (const name of order) {
      if (this.cells.has(name)) continue;
      const cell = element("div", "node");
      cell.setAttribute("role", "option");
      cell.dataset.node = name;
      this.cells.set(name, cell);
    }
    for (const name of [...this.cells.keys()]) {
      if (!this.cluster.nodes.has(name) && !counted.includes(name)) this.cells.delete(name);
    }
    order.forEach((name, at) => { this.cells.get(name).id = `${this.side}-${at}`; });
    this.list.replaceChildren(...order.map((name) => this.cells.get(name)));
    this.active = order.indexOf(before);
    this.prefix = commonPrefix(present);
    this.layout(true);
  }

  /** Sizes of cells and marks by the number of nodes and the width that there is. */
  layout(again = false) {
    const width = this.root.querySelector(".grid").clientWidth - 6;
    if (width <= 0 || (!again && width === this.width)) return;
    this.width = width;
    const nodes = this.order.length;
    this.size = nodes <= 12 ? 92 : nodes <= 60 ? 68 : nodes <= 250 ? 48 : 36;
    this.columns = Math.max(1, Math.floor((width + GAP) / (this.size + GAP)));
    this.list.style.gridTemplateColumns = `repeat(${this.columns}, ${this.size}px)`;
    this.list.style.gridAutoRows = `${this.size}px`;
    const height = Math.ceil(nodes / this.columns) * (this.size + GAP);
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.ceil(width * ratio);
    this.canvas.height = Math.ceil(height * ratio);
    this.canvas.style.width = `${width}px`;
    this.canvas.style.height = `${height}px`;
    this.paint.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.dirty = new Set(this.order.keys());
  }

  changed(names) {
    if (!this.at || this.at.order !== this.order) {
      this.at = { order: this.order, index: new Map(this.order.map((name, at) => [name, at])) };
    }
    for (const name of names) {
      const at = this.at.index.get(name);
      if (at !== undefined) this.dirty.add(at);
    }
  }

  /** Draw until the time is over; whether something is left to draw. */
  draw(until) {
    for (const at of this.dirty) {
      if (performance.now() > until) return true;
      this.dirty.delete(at);
      this.drawNode(at);
    }
    return false;
  }

  /** One size of marks for the whole pool: a node with many pods makes them smaller everywhere. */
  markSize(room, pods) {
    if (pods > this.most) {
      this.most = Math.ceil(pods * 1.2);
      this.dirty = new Set(this.order.keys());
    }
    return [18, 14, 11, 9, 7, 5, 4, 3].find((size) =>
      Math.floor(room[0] / (size + 1)) * Math.floor(room[1] / (size + 1)) >= this.most) ?? 2;
  }

  rowOf(name) {
    return this.cluster.nodes.get(name) ?? { ...GONE, side: this.side, gone: this.side === "source" };
  }

  drawNode(at) {
    const name = this.order[at];
    if (name === undefined) return;
    const row = this.rowOf(name);
    const state = this.cluster.stateOf(name, row);
    const cell = this.cells.get(name);
    const className = `node ${state}${at === this.active ? " active" : ""}`;
    if (cell.className !== className) cell.className = className;
    const labelled = this.size >= 68;
    setText(cell, labelled && !row.recorded ? name.slice(this.prefix) : "");
    const left = this.cluster.toMove(name);
    cell.setAttribute("aria-label", `${name}, ${NODE_WORDS[state]}${row.batch ? `, batch ${row.batch}` : ""}, ${count(left, "pod")}`);
    cell.setAttribute("aria-selected", String(at === this.active));
    const x = (at % this.columns) * (this.size + GAP);
    const y = Math.floor(at / this.columns) * (this.size + GAP);
    this.paint.clearRect(x, y, this.size, this.size);
    const pods = this.cluster.podsOn(name);
    const top = labelled ? 16 : 4;
    const room = [this.size - 8, this.size - top - 4];
    const mark = this.markSize(room, pods.size);
    const perRow = Math.max(1, Math.floor(room[0] / (mark + 1)));
    const states = [...pods.values()].sort((a, b) => POD_STATES.indexOf(a) - POD_STATES.indexOf(b));
    states.forEach((pod, index) => {
      const left = x + 4 + (index % perRow) * (mark + 1);
      const above = y + top + Math.floor(index / perRow) * (mark + 1);
      if (above + mark <= y + this.size) drawPod(this.paint, pod, left, above, mark);
    });
  }

  // Keyboard

  key(event) {
    const steps = {
      ArrowRight: 1, ArrowLeft: -1, ArrowDown: this.columns, ArrowUp: -this.columns,
      Home: -this.order.length, End: this.order.length,
    };
    if (event.key === "Escape") this.choose(-1);
    else if (event.key in steps) {
      const from = this.active < 0 ? 0 - (steps[event.key] > 0 ? steps[event.key] : 0) : this.active;
      this.choose(Math.min(this.order.length - 1, Math.max(0, from + steps[event.key])));
    } else return;
    event.preventDefault();
  }

  choose(at) {
    for (const old of [this.active, at]) if (old >= 0) this.dirty.add(old);
    this.active = at;
    const cell = at >= 0 ? this.cells.get(this.order[at]) : null;
    if (cell) {
      this.list.setAttribute("aria-activedescendant", cell.id);
      cell.scrollIntoView({ block: "nearest" });
    } else this.list.removeAttribute("aria-activedescendant");
    this.onActive(this, at >= 0 ? this.order[at] : null);
    redraw();
  }
}

/** How many characters names have in common at their beginning, up to a hyphen or a number. */
function commonPrefix(names) {
  if (names.length < 2) return Math.max(0, (names[0]?.length ?? 0) - 9);
  const [first, last] = [names[0], names.at(-1)];
  let at = 0;
  while (at < first.length && first[at] === last[at]) at += 1;
  return Math.max(0, Math.min(at, first.length - 4));
}

let colours = {};

/** The colours of the marks, by the reader's scheme. */
function readColours() {
  const style = getComputedStyle(document.documentElement);
  colours = Object.fromEntries(POD_STATES.map((state) => [state, style.getPropertyValue(`--${state}`).trim()]));
}

/** The mark of a pod: its state shows in its form too. */
function drawPod(paint, state, x, y, size) {
  paint.fillStyle = paint.strokeStyle = colours[state];
  if (state === "starting") {
    paint.lineWidth = Math.max(1, size / 5);
    paint.strokeRect(x + paint.lineWidth / 2, y + paint.lineWidth / 2, size - paint.lineWidth, size - paint.lineWidth);
  } else if (state === "leaving") {
    paint.beginPath();
    paint.moveTo(x, y); paint.lineTo(x + size, y + size / 2); paint.lineTo(x, y + size);
    paint.fill();
  } else if (state === "failing") {
    paint.lineWidth = Math.max(1, size / 4);
    paint.beginPath();
    paint.moveTo(x, y); paint.lineTo(x + size, y + size);
    paint.moveTo(x + size, y); paint.lineTo(x, y + size);
    paint.stroke();
  } else if (state === "stays") {
    paint.fillRect(x + size / 4, y + size / 4, size / 2, size / 2);
  } else paint.fillRect(x, y, size, size);
}

/** The legend of nodes and pods. */
function drawLegend() {
  const legend = byId("legend");
  legend.replaceChildren();
  for (const state of ["fresh", "cordoned", "draining", "drained", "notready", "gone"]) {
    legend.append(element("span", "", element("span", `node ${state}`), `node ${NODE_WORDS[state]}`));
  }
  for (const state of POD_STATES) {
    const canvas = element("canvas", "");
    canvas.width = canvas.height = 22;
    const paint = canvas.getContext("2d");
    paint.scale(2, 2);
    drawPod(paint, state, 1, 1, 9);
    legend.append(element("span", "", canvas, POD_WORDS[state]));
  }
}
