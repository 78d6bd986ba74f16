/** Argo CD's applications by app: sync and health, and what the last operation says. */

import { h, reconcile } from "../dom.js";
import { healthChip, inOrder, shortSha, syncChip } from "./chips.js";

export function applications(box, world) {
  const apps = [...new Set(world.applications.map((one) => one.app))];
  const rows = apps.flatMap((app) => [
    { key: ` ${app}`, app },
    ...inOrder(world.applications.filter((one) => one.app === app)).map((one) => ({ key: one.name, one })),
  ]);
  reconcile(box, rows, {
    key: (row) => row.key,
    sign: (row) => JSON.stringify(row),
    build: (row, old) => {
      const node = row.one ? application(row.one) : h("h3", {}, row.app);
      // A commit moves every application's revision: only what became of this one is worth a look.
      if (old && old.dataset.state !== node.dataset.state) node.classList.add("is-flashed");
      return node;
    },
  });
}

function application(one) {
  const isTold = one.message && !/^successfully synced/.test(one.message);
  return h(
    "article",
    { class: `application application-${one.health}`, "aria-label": one.name, data: { state: `${one.health} ${one.sync}` } },
    h(
      "div",
      { class: "application-head" },
      h("strong", {}, one.environment),
      healthChip(one.health),
      syncChip(one.sync),
      one.operation === "Running" && h("span", { class: "chip chip-run-Running" }, "Syncing"),
      h("code", { class: "sha", title: one.revision }, shortSha(one.revision ?? "")),
    ),
    isTold && h("p", { class: "application-message" }, one.message),
  );
}
