/** A searchable select: a combobox whose list opens above everything else. */

import { fill, h, icon } from "../dom.js";
import { place } from "./popover.js";

let count = 0;

/** `search(query)` → options {text, value, group?}; `changed(options)` is told what is chosen now. */
export function select({ id, isMany, placeholder, before, search, changed, autofocus }) {
  const picker = new Select({ id: id ?? `select-${++count}`, isMany, placeholder, search, changed, autofocus });
  picker.chosen = before;
  picker.show();
  return picker.node;
}

class Select {
  constructor({ id, isMany, placeholder, search, changed, autofocus }) {
    Object.assign(this, { isMany, placeholder, search, changed });
    this.chosen = [];
    this.options = [];
    this.at = -1;
    this.list = h("div", { class: "popover options", role: "listbox", id: `${id}-list`, popover: "manual" });
    this.input = h("input", {
      id,
      class: "select-input",
      role: "combobox",
      autocomplete: "off",
      spellcheck: "false",
      autofocus,
      "aria-autocomplete": "list",
      "aria-expanded": "false",
      "aria-controls": `${id}-list`,
      "aria-label": id.startsWith("select-") ? placeholder : undefined,
      on: {
        focus: () => this.input.select(),
        click: () => this.open(),
        input: () => this.ask(),
        keydown: (event) => this.key(event),
        blur: () => this.close(),
      },
    });
    this.tags = h("span", { class: "select-tags" });
    const chevron = h("span", { class: "select-chevron", on: { mousedown: (event) => this.toggle(event) } }, icon("chevron"));
    this.clear = h(
      "button",
      { type: "button", class: "select-clear", "aria-label": "Clear", tabindex: "-1", on: { click: () => this.set([]) } },
      "×",
    );
    this.node = h("div", { class: ["select", isMany && "select-many"] }, this.tags, this.input, this.clear, chevron, this.list);
  }

  show() {
    if (this.isMany) {
      const tag = (option) =>
        h("span", { class: "tag" }, option.text.text, h("button", { type: "button", "aria-label": `Remove ${option.text.text}`, on: { click: () => this.set(this.chosen.filter((one) => one !== option)) } }, "×"));
      fill(this.tags, this.chosen.map(tag));
      this.input.value = "";
      this.input.placeholder = this.chosen.length ? "" : this.placeholder;
    } else {
      this.input.value = this.chosen[0]?.text.text ?? "";
      this.input.placeholder = this.placeholder;
    }
    this.clear.hidden = this.isMany || !this.chosen.length;
  }

  set(options) {
    this.chosen = options;
    this.show();
    this.changed(options);
  }

  toggle(event) {
    event.preventDefault();
    if (this.isOpen) this.close();
    else {
      this.input.focus();
      this.open();
    }
  }

  open() {
    if (this.isOpen) return;
    this.isOpen = true;
    this.list.showPopover();
    this.input.setAttribute("aria-expanded", "true");
    this.ask("");
  }

  close() {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.list.hidePopover();
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
    this.show();
  }

  async ask(query = this.input.value) {
    this.open();
    const asked = (this.asked = Symbol(query));
    const waiting = setTimeout(() => this.asked === asked && this.note("Loading…"), 150);
    try {
      const options = await this.search(query);
      if (this.asked === asked) this.offer(options);
    } catch (error) {
      if (this.asked === asked) this.note(error.message);
    } finally {
      clearTimeout(waiting);
    }
  }

  note(text) {
    this.options = [];
    fill(this.list, h("div", { class: "option-note" }, text));
    place(this.list, this.node);
  }

  offer(options) {
    this.options = options;
    if (!options.length) return this.note("No results");
    let group = "";
    const rows = options.flatMap((option, at) => {
      const head = option.group && option.group !== group ? [h("div", { class: "option-group" }, option.group)] : [];
      group = option.group ?? "";
      return [...head, this.row(option, at)];
    });
    fill(this.list, rows);
    place(this.list, this.node);
    this.point(Math.max(0, options.findIndex((option) => this.holds(option))));
    return undefined;
  }

  row(option, at) {
    return h(
      "div",
      {
        class: "option",
        role: "option",
        id: `${this.input.id}-${at}`,
        "aria-selected": String(this.holds(option)),
        on: { mousedown: (event) => this.pick(event, option), mousemove: () => this.point(at) },
      },
      h("span", {}, option.text.text),
      this.holds(option) && icon("check"),
    );
  }

  holds(option) {
    return this.chosen.some((one) => one.value === option.value);
  }

  point(at) {
    this.at = at;
    for (const node of this.list.querySelectorAll(".option")) {
      const isHere = node.id === `${this.input.id}-${at}`;
      node.classList.toggle("is-pointed", isHere);
      if (isHere) node.scrollIntoView({ block: "nearest" });
    }
    this.input.setAttribute("aria-activedescendant", `${this.input.id}-${at}`);
  }

  pick(event, option) {
    event.preventDefault();
    const others = this.chosen.filter((one) => one.value !== option.value);
    const isOff = this.isMany && others.length < this.chosen.length;
    this.isMany || this.close();
    this.set(this.isMany ? (isOff ? others : [...others, option]) : [option]);
    if (this.isMany) this.ask("");
  }

  key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      if (!this.isOpen) this.open();
      else if (this.options.length) this.point((this.at + step + this.options.length) % this.options.length);
    } else if (event.key === "Enter" && this.isOpen && this.options[this.at]) {
      this.pick(event, this.options[this.at]);
    } else if (event.key === "Escape" && this.isOpen) {
      event.preventDefault();
      event.stopPropagation();
      this.close();
    } else if (event.key === "Backspace" && this.isMany && !this.input.value && this.chosen.length) {
      this.set(this.chosen.slice(0, -1));
    }
  }
}
