"use strict";
// Words and elements: what the other files write with. Text is only ever set as text.

/** An element with a class and text or children. */
function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

const byId = (id) => document.getElementById(id);

/** Set text only where it differs: a live region announces each change. */
function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** A duration as the terminal writes it: 42s, 3m 10s, 2h 05m, 1d 4h. */
function span(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const [days, hours] = [Math.floor(whole / 86400), Math.floor((whole % 86400) / 3600)];
  const [minutes, left] = [Math.floor((whole % 3600) / 60), whole % 60];
  if (days) return `${days}d ${hours}h`;
  if (hours) return `${hours}h ${String(minutes).padStart(2, "0")}m`;
  return minutes ? `${minutes}m ${String(left).padStart(2, "0")}s` : `${left}s`;
}

const count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

/** Seconds since the epoch as a local time of day, with the date where it is another day. */
function clock(seconds, now) {
  // Sweden writes dates and times as ISO 8601 does.
  const [at, today] = [seconds, now].map((time) => new Date(time * 1000).toLocaleString("sv"));
  const [date, time] = at.split(" ");
  return today.startsWith(date) ? time : at;
}

/** Compare names by the numbers in them. */
const byName = new Intl.Collator("en", { numeric: true }).compare;
