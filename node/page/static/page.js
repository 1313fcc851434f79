// Keys, focus and times. Without this file every action works, too: each is a form.
"use strict";

const cards = () => Array.from(document.querySelectorAll("[data-card]")).filter((card) => card.offsetParent !== null);
const focused = () => document.activeElement?.closest("[data-card]");

// Times are in UTC; here they become those of whoever looks.
for (const each of document.querySelectorAll("time")) {
  const at = new Date(each.dateTime);
  if (!Number.isNaN(at.getTime())) {
    each.textContent = at.toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
  }
}

// What was done is told to those who do not see it.
const message = document.getElementById("message");
const live = document.getElementById("live");
if (message && live) {
  setTimeout(() => { live.textContent = message.textContent; }, 200);
}

// After a decision the next card has the focus.
const wanted = location.hash.startsWith("#card-") ? document.getElementById(location.hash.slice(1)) : null;
wanted?.closest("details.section")?.setAttribute("open", "");
wanted?.focus();

const KEYS_OFF = "facenode-keys-off";
const dialog = document.getElementById("keys");
const box = document.getElementById("keys-on");
const remembered = () => { try { return localStorage.getItem(KEYS_OFF); } catch { return null; } };
if (box) {
  box.closest("[data-script]").hidden = false;
  box.checked = remembered() === null;
  box.addEventListener("change", () => {
    try {
      if (box.checked) localStorage.removeItem(KEYS_OFF); else localStorage.setItem(KEYS_OFF, "1");
    } catch { /* a browser that keeps nothing: the keys stay on */ }
  });
}

function move(step) {
  const all = cards();
  if (all.length === 0) return;
  const at = all.indexOf(focused());
  const next = at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + step, 0), all.length - 1);
  all[next].focus();
}

function press(card, key) {
  card?.querySelector(`[data-key="${key}"]`)?.click();
}

function choose(card, number) {
  const list = card?.querySelector('[data-key="who"]');
  if (!list || number >= list.options.length) return;
  list.selectedIndex = number;
  list.form.querySelector("button").click();
}

function name(card) {
  const field = card?.querySelector('[data-key="name"]');
  if (!field) return;
  field.closest("details").open = true;
  field.focus();
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input:not([type=checkbox], [type=radio]), select, textarea");
  if (event.ctrlKey || event.metaKey || event.altKey || remembered() !== null) return;
  if (typing) {
    if (event.key === "Escape") (focused() ?? document.getElementById("main")).focus();
    return;
  }
  if (dialog?.open) return;
  const card = focused();
  const actions = {
    j: () => move(1),
    k: () => move(-1),
    n: () => name(card),
    i: () => press(card, "ignore"),
    x: () => press(card, "drop"),
    u: () => document.getElementById("undo")?.click(),
    "?": () => dialog?.showModal(),
  };
  if (/^[1-9]$/.test(event.key)) choose(card, Number(event.key));
  else if (Object.hasOwn(actions, event.key)) actions[event.key]();
  else return;
  event.preventDefault();
});
