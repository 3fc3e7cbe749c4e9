"use strict";
// Everything but the pools and the timeline.

const BUDGETS_SHOWN = 40;
const SLOTS_SHOWN = 12;
const GRAVE = {
  rollback: (head) => `Move all pods of ${head.name} back to ${head.source} and delete ${head.target}?`,
  abort: (head) => `Stop ${head.name} for good? Both pools stay, and pods stay where they are.`,
};

function drawHead(head, now) {
  document.title = `${head.name}: ${head.phase} · azlm`;
  setText(byId("name"), head.name);
  setText(byId("route"), head.inPlace ? `${head.source}, ${head.strategy}` : `${head.source} → ${head.target}, ${head.strategy}`);
  const phase = byId("phase");
  setText(phase, head.deleted ? "Deleted" : head.phase);
  phase.className = `chip ${head.verdict}`;
  setText(byId("message"), head.message || (head.reason === head.phase ? "" : head.reason));
  const { total, drained } = head.nodes;
  const progress = byId("progress");
  progress.hidden = head.mode === "plan" || !total;
  progress.setAttribute("aria-valuemax", String(total));
  progress.setAttribute("aria-valuenow", String(drained));
  progress.firstElementChild.style.width = total ? `${(100 * Math.min(drained, total)) / total}%` : "0";
  setText(byId("facts"), facts(head, now).join(" · "));
  const stale = Object.entries(head.stale ?? {}).map(([name, error]) => `${name}: ${error}`);
  const banner = byId("stale");
  banner.hidden = !stale.length;
  setText(banner, stale.length ? `Not all of this is current: ${stale.join("; ")}` : "");
  setText(byId("missing"), head.missing ? `Not seen: ${head.missing}` : "");
}

function facts(head, now) {
  const { times, nodes, pods } = head;
  const parts = [];
  if (head.mode === "plan") parts.push(count(nodes.total, "node"), `${count(pods.remaining, "pod")} to move`);
  else if (nodes.total) parts.push(`${nodes.drained}/${nodes.total} nodes drained`, `${count(pods.remaining, "pod")} left`);
  if (pods.forced) parts.push(`${pods.forced} forced`);
  if (times.eta && times.eta > now && !head.ended) parts.push(`drained in about ${span(times.eta - now)}`);
  if (times.started && times.ended) parts.push(`took ${span(times.ended - times.started)}`);
  else if (times.started) parts.push(`running for ${span(now - times.started)}`);
  if (times.limitedBy && !head.ended) parts.push(`limited by ${times.limitedBy}`);
  return parts;
}

function drawBlockers(head, now) {
  byId("blockers").hidden = !head.blockers.length;
  const items = head.blockers.map((blocker) => {
    const about = blocker.namespace ? `${blocker.namespace}/${blocker.name}` : blocker.name;
    const detail = [blocker.pods ? count(blocker.pods, "pod") : "", blocker.since ? `since ${clock(blocker.since, now)}` : ""];
    const item = element("li", "",
      element("span", "cause", blocker.cause), ` ${blocker.kind} ${about} `,
      element("span", "dim", detail.filter(Boolean).join(", ")),
      element("p", "", blocker.message));
    if (blocker.remedy) item.append(element("p", "cure", `→ ${blocker.remedy}`));
    return item;
  });
  replaceIfNew(document.querySelector("#blockers ul"), items);
}

/** A live region is announced again whenever its children are replaced: only where they differ. */
function replaceIfNew(parent, children) {
  const text = children.map((child) => child.textContent).join("\n");
  if (parent.dataset.shown === text) return;
  parent.dataset.shown = text;
  parent.replaceChildren(...children);
}

function drawBudgets(head, budgets) {
  const held = ([, row]) => row.waiting > 0 && row.free === 0 && row.slots === 0;
  const listed = [...budgets].filter(([, row]) => row.waiting > 0)
    .sort((a, b) => held(b) - held(a) || b[1].waiting - a[1].waiting || byName(a[0], b[0]));
  const rows = listed.slice(0, BUDGETS_SHOWN).map(([name, row]) => {
    const slots = element("span", "slots");
    slots.setAttribute("aria-hidden", "true");
    for (let at = 0; at < Math.min(row.slots, SLOTS_SHOWN); at += 1) slots.append(element("i", at < row.free ? "free" : ""));
    const label = element("th", "", name);
    label.scope = "row";
    return element("tr", held([name, row]) ? "held" : "", label,
      element("td", "", slots, `${row.free} of ${row.slots}`),
      element("td", "", `${row.healthy}/${row.expected}, needs ${row.desired}`),
      element("td", "", count(row.waiting, "pod")));
  });
  document.querySelector("#budgets tbody").replaceChildren(...rows);
  byId("budgets").hidden = !rows.length;
  const more = listed.length - rows.length;
  const none = head.ended && head.mode !== "plan" ? "The source has no pods left." : "No budget selects a pod on the source.";
  setText(byId("more"), more > 0 ? `and ${more} more` : rows.length ? "" : none);
}

function drawHistory(head, now) {
  byId("history").closest("section").hidden = head.mode === "plan";
  const items = [...head.history].reverse().map((entry) => {
    const item = element("li", "", element("time", "", entry.time === null ? "" : clock(entry.time, now)),
      element("span", entry.warning ? "warning" : "", entry.what));
    const times = entry.count > 1 ? ` (${entry.count} times)` : "";
    if (entry.message || times) item.append(element("span", "dim", ` ${entry.message}${times}`));
    return item;
  });
  replaceIfNew(byId("history"), items.length ? items : [element("li", "dim", "Nothing yet.")]);
}

function drawActions(head, act) {
  const toolbar = byId("actions");
  toolbar.hidden = !head.actions.length;
  if (toolbar.dataset.shown === head.actions.join()) return;
  toolbar.dataset.shown = head.actions.join();
  toolbar.replaceChildren(...head.actions.map((verb) => {
    const button = element("button", verb in GRAVE ? "grave" : "", verb);
    button.type = "button";
    button.addEventListener("click", () => {
      if (!(verb in GRAVE) || window.confirm(GRAVE[verb](head))) act(verb);
    });
    return button;
  }));
}

/** The node that the keyboard or the mouse has chosen. */
function drawDetail(pool, name) {
  const detail = byId("detail");
  if (name === null) return detail.replaceChildren();
  const row = pool.rowOf(name);
  const state = NODE_WORDS[pool.cluster.stateOf(name, row)];
  const known = [state, row.batch ? `batch ${row.batch}` : "", row.zone ? `zone ${row.zone}` : "", row.os ?? ""];
  const pods = [...pool.cluster.podsOn(name)].sort((a, b) => byName(a[0], b[0]));
  const list = element("ul", "", ...pods.map(([key, pod]) => element("li", "", `${key}: ${POD_WORDS[pod]}`)));
  return detail.replaceChildren(element("strong", "", name), ` ${known.filter(Boolean).join(", ")}; ${count(pods.length, "pod")}`, list);
}
