/** Argo CD's applications: sync and health, and what the last operation says. */

import { h, reconcile } from "../dom.js";
import { healthChip, shortSha, syncChip } from "./chips.js";

export function applications(box, world) {
  reconcile(box, world.applications, {
    key: (one) => one.name,
    sign: (one) => JSON.stringify(one),
    build: (one, old) => {
      const node = row(one);
      if (old) node.classList.add("is-flashed");
      return node;
    },
  });
}

function row(one) {
  const isBusy = one.operation === "Running";
  const isTold = one.message && !/^successfully synced/.test(one.message);
  return h(
    "article",
    { class: `application application-${one.health}` },
    h("div", { class: "application-head" }, h("strong", {}, one.name), h("code", { class: "sha", title: one.revision }, shortSha(one.revision ?? ""))),
    h("div", { class: "application-state" }, healthChip(one.health), syncChip(one.sync), isBusy && h("span", { class: "chip chip-run-Running" }, "Syncing")),
    isTold && h("p", { class: "application-message" }, one.message),
  );
}
