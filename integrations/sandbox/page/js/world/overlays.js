/** app × environment: the image that the overlay names, how Argo CD sees it, and the last commit. */

import { h, reconcile } from "../dom.js";
import { healthMark, imageLabel, shortSha } from "./chips.js";
import { openCommit } from "./commits.js";

export function overlays(box, world) {
  const environments = [...new Set(Object.values(world.overlays).flatMap((row) => Object.keys(row)))];
  const head = { key: " head", environments };
  const rows = Object.entries(world.overlays).flatMap(([app, row]) => [
    { key: app, app },
    ...environments.map((environment) => cell(world, app, environment, row[environment])),
  ]);
  box.style.setProperty("--environments", environments.length);
  reconcile(box, [head, ...rows], {
    key: (row) => row.key,
    sign: (row) => JSON.stringify(row),
    build: (row, old) => {
      const node = build(row);
      if (old && row.label !== old.dataset.label) node.classList.add("is-flashed");
      return node;
    },
  });
}

function cell(world, app, environment, overlay) {
  const application = world.applications.find((one) => one.app === app && one.environment === environment);
  const images = overlay?.images ?? [];
  return {
    key: `${app}/${environment}`,
    overlay: true,
    label: [...new Set(images.map((image) => imageLabel(image, world.artifacts)))].join(" "),
    title: images.map((image) => `${image.name}${image.tag ? `:${image.tag}` : ""}${image.digest ? `@${image.digest}` : ""}`).join("\n"),
    commit: overlay?.commit,
    application: application && { health: application.health, sync: application.sync },
  };
}

function build(row) {
  if (row.environments) return h("div", { class: "matrix-head" }, h("span"), row.environments.map((name) => h("span", {}, name)));
  if (row.app) return h("div", { class: "matrix-app" }, row.app);
  const commit = row.commit;
  return h(
    "div",
    { class: "matrix-cell", data: { label: row.label } },
    h("div", { class: "matrix-image", title: row.title }, row.label || "—"),
    h(
      "div",
      { class: "matrix-foot" },
      row.application && healthMark(row.application),
      commit &&
        h("button", { type: "button", class: "sha", title: commit.message.split("\n")[0], on: { click: () => openCommit(commit) } }, shortSha(commit.sha)),
    ),
  );
}
