/** Commits of the overlay repository, newest first, each with its diff. */

import { h, icon, reconcile } from "../dom.js";
import { ago, exactly } from "../slack/dates.js";
import { shortSha } from "./chips.js";

export function commits(box, list) {
  const isFirst = !box.childElementCount;
  // The newest is open; the one before it closes again unless somebody opened it.
  const before = box.firstElementChild;
  if (before && before.dataset.key !== list[0]?.sha && !before.wasOpened) before.open = false;
  reconcile(box, list, {
    key: (commit) => commit.sha,
    sign: (commit) => commit.sha,
    build: (commit) => {
      const node = row(commit);
      node.open = commit === list[0];
      node.querySelector("summary").addEventListener("click", () => (node.wasOpened = true));
      if (!isFirst) node.classList.add("is-new");
      return node;
    },
  });
}

function row(commit) {
  const [title, ...rest] = commit.message.split("\n");
  const at = new Date(commit.date);
  const [added, removed] = counted(commit.diff);
  return h(
    "details",
    { class: "commit" },
    h(
      "summary",
      {},
      h("span", { class: "commit-title" }, title),
      h(
        "span",
        { class: "commit-meta" },
        h("code", { class: "sha" }, shortSha(commit.sha)),
        ` ${commit.author} · `,
        h("time", { datetime: commit.date, title: exactly(at), data: { seconds: at / 1000, format: "{ago}" } }, ago(at)),
        h("span", { class: "commit-count" }, h("b", { class: "added" }, `+${added}`), " ", h("b", { class: "removed" }, `−${removed}`)),
      ),
    ),
    diff(commit.diff),
    rest.join("\n").trim() && h("pre", { class: "commit-message" }, rest.join("\n").trim()),
  );
}

/** One commit by itself, for links that name it. */
export function openCommit(commit) {
  const node = row(commit);
  node.open = true;
  const close = () => dialog.remove();
  const dialog = h(
    "dialog",
    { class: "dialog commit-dialog", "aria-label": `Commit ${shortSha(commit.sha)}`, on: { close, click: (event) => event.target === dialog && close() } },
    h("div", { class: "dialog-head" }, h("h2", {}, `Commit ${shortSha(commit.sha)}`), h("button", { type: "button", class: "icon-button", "aria-label": "Close", on: { click: close } }, icon("close"))),
    node,
  );
  document.body.append(dialog);
  dialog.showModal();
}

const MARKS = { "+": "added", "-": "removed", "@": "hunk", "\\": "note" };
const isHeader = (line) => /^(diff |index |--- |\+\+\+ |new file|deleted file|old mode|new mode|similarity|rename)/.test(line);

const body = (text) => text.trimEnd().split("\n");

function counted(text) {
  const lines = body(text).filter((line) => !isHeader(line));
  return ["+", "-"].map((mark) => lines.filter((line) => line.startsWith(mark)).length);
}

function diff(text) {
  if (!text) return h("p", { class: "nothing" }, "It changes no file.");
  const files = text.split(/^(?=diff --git )/m).filter(Boolean);
  return files.map((file) => {
    const lines = body(file);
    const path = lines[0].split(" b/").at(-1);
    const shown = lines.filter((line) => !isHeader(line));
    return h(
      "div",
      { class: "diff" },
      h("div", { class: "diff-path", title: path }, path),
      h("pre", {}, shown.map((line) => h("span", { class: `line line-${MARKS[line[0]] ?? "same"}` }, line || " "))),
    );
  });
}
