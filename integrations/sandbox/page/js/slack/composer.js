/** Where people type: slash commands with completion, and plain messages. */

import { api } from "../api.js";
import { fill, h, icon } from "../dom.js";
import { state } from "../state.js";
import { attempt, toast } from "../toast.js";
import { offerShortcuts } from "./shortcuts.js";

const HISTORY = 50;
const history = [];
let main;

/** Puts a text where people type, as if they had typed it. */
export function composeText(text) {
  const field = main.querySelector("textarea");
  field.value = text;
  field.dispatchEvent(new Event("input"));
  field.focus();
}

export function mainComposer() {
  main = createComposer({ placeholder: "" });
  return main;
}

export function nameComposer() {
  const label = state.place === "dm" ? "Message pilothouse" : `Message #${state.place}`;
  const field = main.querySelector("textarea");
  field.placeholder = label;
  field.setAttribute("aria-label", label);
}

export function createComposer({ thread = "", placeholder }) {
  const composer = new Composer(thread, placeholder);
  return composer.node;
}

class Composer {
  constructor(thread, placeholder) {
    this.thread = thread;
    this.commands = [];
    this.at = 0;
    this.back = 0;
    this.field = h("textarea", {
      rows: 1,
      placeholder,
      "aria-label": placeholder,
      role: "combobox",
      "aria-expanded": "false",
      "aria-autocomplete": "list",
      on: { input: () => this.typed(), keydown: (event) => this.key(event), blur: () => this.offer([]) },
    });
    this.list = h("div", { class: "completions", role: "listbox", "aria-label": "Commands", hidden: true });
    this.status = h("div", { class: "composer-status" });
    this.button = h(
      "button",
      { type: "button", class: "send", "aria-label": "Send", disabled: true, on: { click: () => this.send() } },
      icon("send"),
    );
    const shortcuts = h(
      "button",
      { type: "button", class: "icon-button", title: "Shortcuts", "aria-label": "Shortcuts", on: { click: (event) => offerShortcuts(event.currentTarget) } },
      icon("zap"),
    );
    const foot = h("div", { class: "composer-foot" }, !this.thread && shortcuts, this.status, this.button);
    this.node = h("div", { class: "composer-box" }, this.list, this.field, foot);
    this.tell();
  }

  typed() {
    this.back = 0;
    this.field.style.height = "auto";
    this.field.style.height = `${Math.min(this.field.scrollHeight, 200)}px`;
    this.button.disabled = !this.field.value.trim();
    const isCommand = /^\/[\w-]*$/.test(this.field.value);
    const fits = (one) => one.command.startsWith(this.field.value);
    this.offer(isCommand && !this.thread ? state.workspace.commands.filter(fits) : []);
    this.tell();
  }

  /** Below the field: how the command that is being typed goes on, or which keys do what. */
  tell() {
    const [name] = this.field.value.split(" ");
    const command = this.field.value.includes(" ") && state.workspace?.commands.find((one) => one.command === name);
    const hint = command ? [h("code", {}, `${command.command} ${command.usage_hint}`)] : [h("kbd", {}, "Enter"), " sends · ", h("kbd", {}, "/"), " for commands"];
    fill(this.status, hint);
  }

  offer(commands) {
    this.commands = commands;
    this.at = 0;
    this.list.hidden = !commands.length;
    this.field.setAttribute("aria-expanded", String(commands.length > 0));
    fill(this.list, commands.length > 0 && h("div", { class: "completions-head" }, "Commands of pilothouse"), commands.map((command, at) => this.row(command, at)));
    this.point(0);
  }

  row(command, at) {
    const take = (event) => {
      event.preventDefault();
      this.take(command);
    };
    return h(
      "div",
      { class: "completion", role: "option", on: { mousedown: take, mousemove: () => this.point(at) } },
      h("span", { class: "completion-name" }, command.command, " ", h("span", { class: "completion-hint" }, command.usage_hint)),
      h("span", { class: "completion-what" }, command.description),
    );
  }

  point(at) {
    this.at = at;
    this.list.querySelectorAll(".completion").forEach((node, index) => {
      node.classList.toggle("is-pointed", index === at);
      node.setAttribute("aria-selected", String(index === at));
      if (index === at) node.scrollIntoView({ block: "nearest" });
    });
  }

  take(command) {
    this.field.value = `${command.command} `;
    this.typed();
  }

  key(event) {
    if (event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (this.commands.length && step) {
      event.preventDefault();
      this.point((this.at + step + this.commands.length) % this.commands.length);
    } else if (this.commands.length && (event.key === "Tab" || (event.key === "Enter" && !this.isWhole()))) {
      event.preventDefault();
      this.take(this.commands[this.at]);
    } else if (this.commands.length && event.key === "Escape") {
      this.offer([]);
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.send();
    } else if (event.key === "ArrowUp" && (!this.field.value || this.back) && history.length > this.back) {
      event.preventDefault();
      this.recall(this.back + 1);
    } else if (event.key === "ArrowDown" && this.back) {
      event.preventDefault();
      this.recall(this.back - 1);
    }
  }

  /** A command that is typed in full is sent by Enter; one that is not is completed by it. */
  isWhole() {
    return this.commands[this.at].command === this.field.value;
  }

  recall(back) {
    this.field.value = back ? history.at(-back) : "";
    this.typed();
    this.offer([]);
    this.back = back;
  }

  async send() {
    const text = this.field.value.trim();
    if (!text || this.isSending) return;
    if (text.startsWith("/") && this.thread) {
      toast(`${text.split(" ")[0]} is not supported in threads. Sorry!`, "info");
      return;
    }
    history.push(text);
    history.splice(0, history.length - HISTORY);
    this.field.value = "";
    this.typed();
    if (!this.thread) document.getElementById("timeline").scrollTo({ top: Number.MAX_SAFE_INTEGER }); // to where the answer comes
    this.busy(true, text);
    await attempt(() =>
      text.startsWith("/")
        ? api.command(state.me, state.place, text)
        : api.say(state.me, state.place, text, this.thread || undefined),
    );
    this.busy(false);
  }

  busy(isBusy, text = "") {
    this.isSending = isBusy;
    this.node.classList.toggle("is-busy", isBusy);
    if (isBusy) fill(this.status, h("span", { class: "spinner" }), ` Sending ${text.split(" ")[0]}…`);
    else this.tell();
  }
}
