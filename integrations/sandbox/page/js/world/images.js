/** Harbor's images: tags, what the scanner found, and whether they are signed. */

import { h, icon, reconcile } from "../dom.js";
import { ago, exactly } from "../slack/dates.js";
import { shortDigest } from "./chips.js";

const SEVERITIES = ["Critical", "High", "Medium", "Low"];
const SCANS = { Success: "Clean", NotScanned: "Not scanned", Pending: "Scan queued", Scheduled: "Scan queued", Running: "Scanning…", Error: "Scan failed" };

export function images(box, world) {
  reconcile(box, world.artifacts, {
    key: (one) => `${one.repository}@${one.digest}`,
    sign: (one) => JSON.stringify([one, places(one, world)]),
    build: (one, old) => {
      const node = row(one, places(one, world));
      if (old) node.classList.add("is-flashed");
      return node;
    },
  });
}

/** The environments whose overlay names this image. */
function places(artifact, world) {
  return Object.values(world.overlays).flatMap((row) =>
    Object.entries(row)
      .filter(([, overlay]) => overlay.images.some((image) => names(image, artifact)))
      .map(([environment]) => environment),
  );
}

function names(image, artifact) {
  if (!image.name.endsWith(`/${artifact.repository}`)) return false;
  return image.digest ? image.digest === artifact.digest : artifact.tags.includes(image.tag);
}

function row(one, environments) {
  const at = new Date(one.pushed_at);
  return h(
    "article",
    { class: "image" },
    h(
      "div",
      { class: "image-head" },
      h("strong", {}, one.repository.replace(/^apps\//, "")),
      one.tags.map((tag) => h("span", { class: "image-tag" }, tag)),
      h("span", { class: ["signed", !one.signed && "is-not"], title: one.signed ? "A cosign signature is there" : "There is no signature" }, icon(one.signed ? "lock" : "unlock"), one.signed ? "signed" : "unsigned"),
    ),
    h("div", { class: "image-scan" }, scan(one)),
    h(
      "div",
      { class: "image-meta" },
      h("code", { title: one.digest }, shortDigest(one.digest)),
      " · ",
      h("time", { title: exactly(at), data: { seconds: at / 1000, format: "{ago}" } }, ago(at)),
      environments.length > 0 && ` · in ${environments.join(", ")}`,
    ),
  );
}

function scan(one) {
  const found = SEVERITIES.filter((severity) => one.severities[severity]);
  if (one.scan !== "Success" || !found.length) {
    return h("span", { class: `chip chip-scan-${one.scan}` }, SCANS[one.scan] ?? one.scan);
  }
  return found.map((severity) => h("span", { class: `severity severity-${severity}` }, `${one.severities[severity]} ${severity}`));
}
