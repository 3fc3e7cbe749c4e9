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

/** A number of seconds in words, as the terminal writes them. */
function span(seconds) {
  const total = Math.max(0, Math.round(seconds));
  if (total < 60) return `${total} s`;
  const minutes = Math.round(total / 60);
  if (total < 600) return total % 60 ? `${Math.floor(total / 60)} min ${total % 60} s` : `${total / 60} min`;
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

const count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

/** Seconds since the epoch as a time of day, with the date where it is another day. */
function clock(seconds, now) {
  const at = new Date(seconds * 1000);
  const time = at.toLocaleTimeString([], { hour12: false });
  return at.toDateString() === new Date(now * 1000).toDateString() ? time : `${at.toLocaleDateString()} ${time}`;
}

/** Compare names by the numbers in them. */
const byName = new Intl.Collator("en", { numeric: true }).compare;
