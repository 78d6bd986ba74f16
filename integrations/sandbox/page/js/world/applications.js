/** Argo CD's applications by app: sync and health, and what the last operation says. */

import { h, reconcile } from "../dom.js";
import { healthChip, inOrder, shortSha, syncChip } from "./chips.js";

export function applications(box, world) {
  const apps = [...new Set(world.applications.map((one) => one.app))];
  const rows = [...(world.units?.apps ? [{ key: " units", units: world.units }] : []), ...apps.flatMap((app) => [
    { key: ` ${app}`, app },
    ...inOrder(world.applications.filter((one) => one.app === app)).map((one) => ({ key: one.name, one })),
  ])];
  reconcile(box, rows, {
    key: (row) => row.key,
    sign: (row) => JSON.stringify(row),
    build: (row, old) => {
      const node = row.units ? units(row.units) : row.one ? application(row.one) : h("h3", {}, row.app);
      // A commit moves every application's revision: only what became of this one is worth a look.
      if (old && old.dataset.state !== node.dataset.state) node.classList.add("is-flashed");
      return node;
    },
  });
}

/** Apps that are there for their number: how many, and which are not as they should be. */
function units(all) {
  const words = (counts) => Object.entries(counts).map(([word, number]) => `${number.toLocaleString("en")} ${word}`).join(", ");
  return h(
    "article",
    { class: "application", "aria-label": "unit-*", data: { state: JSON.stringify(all) } },
    h("div", { class: "application-head" }, h("strong", {}, `${all.apps.toLocaleString("en")} more apps`), h("span", {}, words(all.health)), h("span", {}, words(all.sync))),
    all.unwell.length > 0 && h("p", { class: "application-message" }, all.unwell.join(", ")),
  );
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
