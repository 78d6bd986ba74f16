/** The world outside Slack: what git, Argo CD, Tekton and Harbor hold, the bot's process, and what may go wrong. */

import { fill, h, icon } from "../dom.js";
import { state } from "../state.js";
import { applications } from "./applications.js";
import { bot } from "./bot.js";
import { commits } from "./commits.js";
import { createFaults } from "./faults.js";
import { images } from "./images.js";
import { overlays } from "./overlays.js";
import { pipelines } from "./pipelines.js";
import { source } from "./source.js";

const TABS = [
  ["delivery", "Delivery", "branch"],
  ["argocd", "Argo CD", "sync"],
  ["ci", "CI", "pipeline"],
  ["images", "Images", "box"],
  ["faults", "Faults", "zap"],
];

let panel;

export function renderWorld(box) {
  if (!state.world) return;
  panel ??= new Panel(box);
  panel.render();
}

/** Opens the Argo CD tab at one application. */
export function showApplication(name) {
  panel.open("argocd");
  const row = panel.box.querySelector(`[data-key="${CSS.escape(name)}"]`);
  if (!row) return;
  row.scrollIntoView({ block: "center", behavior: "smooth" });
  row.classList.remove("is-flashed");
  requestAnimationFrame(() => row.classList.add("is-flashed"));
}

class Panel {
  constructor(box) {
    this.box = box;
    this.tab = "delivery";
    this.bodies = Object.fromEntries(TABS.map(([name]) => [name, this.body(name)]));
    this.tabs = TABS.map(([name, label, mark]) => this.button(name, label, mark));
    this.bot = h("div", { class: "bot" });
    const list = h("div", { class: "tabs", role: "tablist", "aria-label": "The world", on: { keydown: (event) => this.key(event) } }, this.tabs);
    fill(box, h("header", { class: "pane-header world-header" }, h("h2", {}, icon("globe"), "World"), this.bot), list, Object.values(this.bodies));
    this.parts = {
      matrix: h("div", { class: "matrix" }),
      commits: h("div", { class: "commits" }),
      applications: h("div", { class: "applications" }),
      source: h("div", { class: "source" }),
      runs: h("div", { class: "runs" }),
      images: h("div", { class: "images" }),
    };
    fill(this.bodies.delivery, h("h3", {}, "Overlays ", h("small", {}, "what git says runs where")), this.parts.matrix, h("h3", {}, "Commits ", h("small", {}, "of the overlay repository")), this.parts.commits);
    fill(this.bodies.argocd, this.parts.applications);
    const repository = h("h3", {}, "Source ", h("small", {}, "of the app that has a repository here"));
    fill(this.bodies.ci, repository, this.parts.source, h("h3", {}, "Pipeline runs"), this.parts.runs);
    fill(this.bodies.images, h("h3", {}, "Images ", h("small", {}, "in Harbor, newest first")), this.parts.images);
    this.faults = createFaults(this.bodies.faults);
    this.open("delivery");
  }

  body(name) {
    return h("div", { class: "world-body", role: "tabpanel", id: `world-${name}`, "aria-labelledby": `tab-${name}`, tabindex: "-1" });
  }

  button(name, label, mark) {
    return h(
      "button",
      { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": `world-${name}`, data: { tab: name }, on: { click: () => this.open(name) } },
      icon(mark),
      label,
      h("span", { class: "tab-count" }),
    );
  }

  open(name) {
    this.tab = name;
    for (const tab of this.tabs) {
      const isHere = tab.dataset.tab === name;
      tab.setAttribute("aria-selected", String(isHere));
      tab.tabIndex = isHere ? 0 : -1;
    }
    for (const [key, body] of Object.entries(this.bodies)) body.hidden = key !== name;
  }

  key(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const names = TABS.map(([name]) => name);
    this.open(names[(names.indexOf(this.tab) + step + names.length) % names.length]);
    this.box.querySelector("[aria-selected=true]").focus();
  }

  render() {
    const world = state.world;
    bot(this.bot, world.bot);
    overlays(this.parts.matrix, world);
    commits(this.parts.commits, world.commits);
    applications(this.parts.applications, world);
    source(this.parts.source, world.source);
    pipelines(this.parts.runs, world.pipelineruns);
    images(this.parts.images, world);
    this.faults.render(world);
    this.count("argocd", world.applications.filter((one) => one.health !== "Healthy" || one.sync !== "Synced").length);
    this.count("ci", world.pipelineruns.filter((run) => run.status === "Running").length);
    this.count("faults", this.faults.count(world.faults));
  }

  count(name, many) {
    const badge = this.tabs.find((tab) => tab.dataset.tab === name).querySelector(".tab-count");
    badge.textContent = many ? String(many) : "";
    badge.hidden = !many;
  }
}
