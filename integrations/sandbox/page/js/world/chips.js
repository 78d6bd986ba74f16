/** Words of Argo CD, Tekton and Harbor, in the colours that their own pages give them. */

import { h, icon } from "../dom.js";

const HEALTH = { Healthy: "heart", Progressing: "spin", Degraded: "broken", Suspended: "pause", Missing: "ghost" };
const SYNC = { Synced: "check", OutOfSync: "up" };
const RUN = { Succeeded: "check", Completed: "check", Failed: "close", Running: "spin", Started: "spin", Pending: "clock" };

const chip = (word, kind, mark) => h("span", { class: `chip chip-${kind}` }, icon(mark), word);

export const healthChip = (health) => chip(health, `health-${health}`, HEALTH[health] ?? "question");
export const syncChip = (sync) => chip(sync, `sync-${sync}`, SYNC[sync] ?? "question");
export const runChip = (status) => chip(status, `run-${status}`, RUN[status] ?? "question");

/** The mark alone, with its word for those who cannot see it. */
export function healthMark(application) {
  const mark = h("span", { class: `mark chip-health-${application.health}`, title: application.health }, icon(HEALTH[application.health] ?? "question", application.health));
  const sync = h("span", { class: `mark chip-sync-${application.sync}`, title: application.sync }, icon(SYNC[application.sync] ?? "question", application.sync));
  return [mark, sync];
}

export const shortSha = (sha) => sha.slice(0, 7);
export const shortDigest = (digest) => digest.replace("sha256:", "").slice(0, 12);

/** How an image is named: its tag, else the tag that Harbor gives its digest, else the digest. */
export function imageLabel(image, artifacts) {
  if (image.tag) return image.tag;
  const known = artifacts.find((one) => one.digest === image.digest);
  return known?.tags[0] ?? (image.digest ? shortDigest(image.digest) : "none");
}

const ORDER = ["development", "staging", "production"];

/** Applications in promotion order; environments that are not the seed's come last. */
export const inOrder = (list) =>
  list.toSorted((one, other) => position(one.environment) - position(other.environment));

const position = (environment) => (ORDER.includes(environment) ? ORDER.indexOf(environment) : ORDER.length);
