/** A short list that opens at a button: overflow menus. */

import { h } from "../dom.js";
import { place } from "./popover.js";

/** Resolves to the chosen {label, value}, or undefined. */
export function menu(anchor, entries) {
  return new Promise((resolve) => {
    const list = h("div", { class: "popover menu", role: "menu", popover: "auto" });
    const items = entries.map((entry) =>
      h("button", { type: "button", role: "menuitem", class: "menu-item", on: { click: () => done(entry) } }, entry.label),
    );
    const done = (entry) => {
      resolve(entry);
      list.remove();
      anchor.focus();
    };
    list.append(...items);
    list.addEventListener("toggle", (event) => event.newState === "closed" && done(undefined));
    list.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const at = items.indexOf(document.activeElement);
      items[(at + step + items.length) % items.length].focus();
    });
    (anchor.closest("dialog") ?? document.body).append(list);
    list.showPopover();
    place(list, anchor);
    items[0]?.focus();
  });
}
