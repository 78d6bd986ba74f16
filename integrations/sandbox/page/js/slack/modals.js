/** The stack of modals that this person has open; only the upper one is seen. */

import { api } from "../api.js";
import { coalesced } from "../coalesce.js";
import { h, icon } from "../dom.js";
import { change, state } from "../state.js";
import { attempt } from "../toast.js";
import { blocks } from "./blocks.js";
import { textObject } from "./mrkdwn.js";
import { viewSurface } from "./surfaces.js";

const drafts = new Map();
let shown = { id: "", hash: "", node: null };

export function renderModals() {
  const view = state.views?.at(-1);
  if (view?.id === shown.id && view?.hash === shown.hash) return;
  const isSame = view?.id === shown.id;
  shown.node?.remove();
  shown = { id: view?.id ?? "", hash: view?.hash ?? "", node: view ? modal(view, isSame) : null };
  if (!view) return;
  document.body.append(shown.node);
  shown.node.showModal();
  shown.node.querySelector("[autofocus], .modal-body input, .modal-body textarea, .modal-foot .button-primary")?.focus();
}

function modal(view, isUpdate) {
  const held = drafts.get(view.id) ?? {};
  drafts.set(view.id, held);
  const close = () => shut(view);
  const form = h("form", { class: "modal-body", novalidate: true }, blocks(view.blocks, viewSurface(view, held)));
  const send = view.submit && h("button", { type: "submit", class: "button button-primary" }, textObject(view.submit));
  const node = h(
    "dialog",
    { class: ["dialog modal", isUpdate && "is-update", view.previous_view_id && "is-pushed"], "aria-label": view.title.text },
    h(
      "header",
      { class: "modal-head" },
      h("span", { class: "avatar avatar-small avatar-bot" }, icon("wheel")),
      h("h2", {}, textObject(view.title)),
      h("button", { type: "button", class: "icon-button", "aria-label": "Close", on: { click: close } }, icon("close")),
    ),
    form,
    h("div", { class: "modal-error", role: "alert" }),
    h(
      "footer",
      { class: "modal-foot" },
      h("button", { type: "button", class: "button", on: { click: close } }, textObject(view.close) || "Close"),
      send,
    ),
  );
  const submit = (event) => {
    event.preventDefault();
    if (send) deliver(view, node, send, held);
  };
  form.addEventListener("submit", submit);
  send?.addEventListener("click", submit);
  node.addEventListener("cancel", (event) => {
    event.preventDefault();
    close();
  });
  return node;
}

async function shut(view) {
  drafts.delete(view.id);
  await attempt(() => api.close(view.id, state.me));
  await refreshViews();
}

async function deliver(view, node, send, held) {
  send.classList.add("is-busy");
  send.disabled = true;
  const answer = await attempt(() => api.submit(view.id, state.me, values(view, held)));
  send.classList.remove("is-busy");
  send.disabled = false;
  if (!answer) return;
  mark(node, answer);
  if (!answer.ok) return;
  drafts.delete(view.id);
  await refreshViews();
}

/** What was put in, for the blocks that are still there. */
function values(view, held) {
  const there = new Set(view.blocks.map((block) => block.block_id));
  return Object.fromEntries(Object.entries(held).filter(([block]) => there.has(block)));
}

/** Shows what the app, or Slack itself, says is wrong: under its input, or for the whole modal. */
function mark(node, answer) {
  const errors = answer.errors ?? {};
  for (const block of node.querySelectorAll(".block-input")) {
    const sentence = errors[block.dataset.block] ?? "";
    block.classList.toggle("has-error", Boolean(sentence));
    block.querySelector(".input-error").textContent = sentence;
  }
  const whole = answer.ok || answer.errors ? "" : (answer.message ?? `The app's answer was refused: ${answer.error}`);
  node.querySelector(".modal-error").textContent = whole;
  node.querySelector(".has-error input, .has-error textarea")?.focus();
}

export const refreshViews = coalesced(async () => {
  const me = state.me;
  const views = await attempt(() => api.views(me));
  if (views && me === state.me) change({ views });
});
