/** The source repository: its newest commits, and a push that starts a pipeline run. */

import { api } from "../api.js";
import { fill, h, icon } from "../dom.js";
import { ago, exactly } from "../slack/dates.js";
import { person, state } from "../state.js";
import { attempt } from "../toast.js";
import { shortSha } from "./chips.js";

let shown = "";

export function source(box, repository) {
  const sign = JSON.stringify(repository);
  if (shown === sign) return;
  shown = sign;
  fill(box, h("div", { class: "source-head" }, h("strong", {}, repository.app), button()), repository.commits.slice(0, 3).map(row));
}

function button() {
  const title = "A commit in your name: GitHub notifies the EventListener, which starts a pipeline run. You get its journey as a direct message";
  return h("button", { type: "button", id: "push", class: "small-button", title, on: { click: push } }, icon("up"), "Push a commit");
}

async function push(event) {
  const pressed = event.currentTarget;
  pressed.disabled = true;
  const author = person()?.real_name ?? state.me;
  await attempt(() => api.push({ author }));
  pressed.disabled = false;
}

function row(commit) {
  const at = new Date(commit.date);
  return h(
    "div",
    { class: "source-commit" },
    h("code", { class: "sha", title: commit.sha }, shortSha(commit.sha)),
    h("span", {}, commit.message.split("\n")[0]),
    h("small", {}, `${commit.author} · `, h("time", { datetime: commit.date, title: exactly(at), data: { seconds: at / 1000, format: "{ago}" } }, ago(at))),
  );
}
