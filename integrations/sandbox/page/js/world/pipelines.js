/** Tekton's pipeline runs, with how far each of their tasks came. */

import { fill, h, reconcile } from "../dom.js";
import { ago, exactly } from "../slack/dates.js";
import { runChip, shortDigest } from "./chips.js";

export function pipelines(box, runs) {
  if (!runs.length) {
    fill(box, h("p", { class: "nothing" }, "Nothing has run yet. Push a commit, or type ", h("code", {}, "/pipeline run my-app"), "."));
    return;
  }
  box.querySelector(":scope > .nothing")?.remove();
  reconcile(box, runs, {
    key: (run) => run.name,
    sign: (run) => JSON.stringify(run),
    build: row,
  });
}

function row(run) {
  const at = new Date(run.created);
  return h(
    "article",
    { class: "run" },
    h("div", { class: "run-head" }, h("strong", {}, run.name), runChip(run.status)),
    h("div", { class: "run-meta" }, run.app, " · ", h("time", { title: exactly(at), data: { seconds: at / 1000, format: "{ago}" } }, ago(at))),
    h("ol", { class: "tasks" }, run.tasks.map((task) => h("li", { class: `task task-${kind(task.reason)}` }, h("span", { class: "task-dot", "aria-hidden": "true" }), task.name, h("small", {}, task.reason)))),
    run.status === "Failed" && run.message && h("p", { class: "application-message" }, run.message),
    run.results.digest && h("div", { class: "run-result" }, "Built ", h("code", { title: run.results.digest }, shortDigest(run.results.digest))),
  );
}

/** Tekton has many words for an end that is not a good one: StepFailed, TaskRunTimeout, TaskRunCancelled. */
const kind = (reason) => (/Failed|Timeout|Cancelled|Error/.test(reason) ? "Failed" : reason);
