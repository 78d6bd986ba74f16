/** What may go wrong in the world, as switches. */

import { api } from "../api.js";
import { fill, h, icon } from "../dom.js";
import { state } from "../state.js";
import { attempt, toast } from "../toast.js";
import { inOrder } from "./chips.js";

const STEPS = ["fetch-source", "run-tests", "build-push", "sign-image", "update-manifest"];
const MOST_APPS = 50;
const WEATHERS = ["fine", "slow", "down", "error-500", "error-429"];

export function createFaults(box) {
  return new Faults(box);
}

class Faults {
  constructor(box) {
    this.box = box;
    this.shown = "";
  }

  count(faults) {
    const weather = Object.values(faults.weather).filter((one) => one !== "fine").length;
    return weather + faults.unhealthy_rollout.length + Number(faults.critical_cve) + Number(Boolean(faults.failing_step));
  }

  render(world) {
    const sign = JSON.stringify([world.faults, Object.keys(world.overlays)]);
    if (sign === this.shown) return;
    this.shown = sign;
    const focused = document.activeElement?.id;
    fill(this.box, ci(world.faults), images(world.faults), rollouts(world), cluster(world), weather(world.faults), branch(world));
    if (focused) document.getElementById(focused)?.focus();
  }
}

const set = (changes) => attempt(() => api.faults(changes));

const card = (title, text, ...content) => h("section", { class: "fault" }, h("h3", {}, title), h("p", {}, text), content);

function ci(faults) {
  const options = [["", "none"], ...STEPS.map((step) => [step, step])];
  const chooser = h(
    "select",
    { id: "fault-step", on: { change: (event) => set({ failing_step: event.target.value }) } },
    options.map(([value, label]) => h("option", { value, selected: value === faults.failing_step }, label)),
  );
  return card("A pipeline step fails", "The next pipeline runs fail at this task.", chooser);
}

function images(faults) {
  const box = h("input", { id: "fault-cve", type: "checkbox", checked: faults.critical_cve, on: { change: (event) => set({ critical_cve: event.target.checked }) } });
  const text = "Harbor's scanner finds a fixable critical vulnerability in what it scans from now on: build an image, or scan one again.";
  return card("A critical CVE", text, h("label", { class: "switch-row" }, box, "The next scans find one"));
}

function rollouts(world) {
  const bad = world.faults.unhealthy_rollout;
  const toggle = (name) => (bad.includes(name) ? bad.filter((one) => one !== name) : [...bad, name]);
  const box = (one) =>
    h("label", { class: "switch-row", title: one.name }, h("input", { id: `fault-${one.name}`, type: "checkbox", checked: bad.includes(one.name), on: { change: () => set({ unhealthy_rollout: toggle(one.name) }) } }), one.environment);
  const apps = [...new Set(world.applications.map((one) => one.app))];
  const rows = apps.map((app) => [h("b", {}, app), inOrder(world.applications.filter((one) => one.app === app)).map(box)]);
  return card("An unhealthy rollout", "These applications turn Degraded after their next sync.", h("div", { class: "fault-matrix" }, rows));
}

function weather(faults) {
  const rows = Object.entries(faults.weather).map(([system, now]) =>
    h(
      "label",
      { class: ["weather", now !== "fine" && "is-bad"] },
      h("span", {}, system),
      h(
        "select",
        { id: `fault-weather-${system}`, on: { change: (event) => set({ weather: { [system]: event.target.value } }) } },
        WEATHERS.map((value) => h("option", { value, selected: value === now }, value)),
      ),
    ),
  );
  return card("Weather", "How each system answers the bot.", h("div", { class: "fault-grid" }, rows));
}

/** Past git: what kubectl changes, and pods that crash for a while. */
function cluster(world) {
  const apps = [...new Set(world.applications.map((one) => one.app))].slice(0, MOST_APPS);
  const app = h("select", { "aria-label": "App", id: "live-app" }, apps.map((name) => h("option", { value: name, selected: name === "my-app" }, name)));
  const environment = h("select", { "aria-label": "Environment", id: "live-environment" }, ["production", "staging", "development"].map((name) => h("option", { value: name }, name)));
  const place = () => ({ app: app.value, environment: environment.value });
  const press = async (act, told) => {
    const done = await attempt(act);
    if (done) toast(told, "info");
  };
  const scale = () => press(() => api.changeLive({ ...place(), replicas: 5 }), "Scaled to 5: Argo CD's self-heal is off there, so it lasts");
  const image = () => {
    const { name } = state.world.overlays[app.value][environment.value].images[0];
    press(() => api.changeLive({ ...place(), image: `${name}:debug` }), "It runs the image debug: Argo CD's self-heal is off there, so it lasts");
  };
  const older = () => {
    const path = `apps/${app.value}/overlays/${environment.value}/kustomization.yaml`;
    const before = state.world.commits.find((one) => one.files.includes(path))?.parents[0];
    if (!before) return toast("None of the newest twenty commits changed it", "info");
    press(() => api.syncByHand({ ...place(), revision: before }), `Kim has Argo CD sync ${before.slice(0, 7)}`);
  };
  const ill = () => press(() => api.fallIll({ ...place(), seconds: 60 }), "Its pods crash for a minute");
  const buttons = [
    h("button", { type: "button", id: "live-scale", class: "small-button", title: "kubectl scale --replicas=5", on: { click: scale } }, icon("up"), "Scale to 5"),
    h("button", { type: "button", id: "live-image", class: "small-button", title: "kubectl set image", on: { click: image } }, icon("box"), "Set the image"),
    h("button", { type: "button", id: "live-sync", class: "small-button", title: "Sync to the commit before, in Argo CD, past git", on: { click: older } }, icon("branch"), "Sync an older commit"),
    h("button", { type: "button", id: "live-ill", class: "small-button", title: "Degraded, and Healthy again without anybody's doing", on: { click: ill } }, icon("broken"), "Crash for a minute"),
  ];
  return card("A change in the cluster", "Somebody uses kubectl or Argo CD, past git; or pods crash, and recover.", h("div", { class: "fault-row" }, app, environment), h("div", { class: "fault-row" }, buttons));
}

/** Somebody else pushes: a note that does not matter, or the very line that an approval is bound to. */
function branch(world) {
  const apps = Object.keys(world.overlays);
  const app = h("select", { "aria-label": "App", id: "fault-app" }, apps.map((name) => h("option", { value: name, selected: name === "my-app" }, name)));
  const environment = h("select", { "aria-label": "Environment", id: "fault-environment" }, ["production", "staging", "development"].map((name) => h("option", { value: name }, name)));
  const press = async (body) => {
    const done = await attempt(() => api.commit({ author: "Kim", ...body }));
    if (done) toast(`Kim pushed ${done.sha.slice(0, 7)} to main`, "info");
  };
  const note = () => press({ message: "A note by hand", files: { [`apps/${app.value}/NOTES.md`]: `Written by hand at ${new Date().toISOString()}\n` } });
  const image = () => {
    const known = state.world.artifacts.filter((one) => one.repository === `apps/${app.value}`).map((one) => one.tags[0]);
    const now = state.world.overlays[app.value][environment.value].images[0];
    press({ app: app.value, environment: environment.value, tag: known.find((tag) => tag && tag !== now.tag) });
  };
  const buttons = [
    h("button", { type: "button", class: "small-button", on: { click: image } }, icon("branch"), "Change the image"),
    h("button", { type: "button", class: "small-button", on: { click: note } }, icon("file"), "Add a note"),
  ];
  return card("A foreign commit on the branch", "Kim changes the overlay repository by hand.", h("div", { class: "fault-row" }, app, environment), h("div", { class: "fault-row" }, buttons));
}
