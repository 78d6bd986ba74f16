/** The pane beside the conversation that shows one thread. */

import { fill, h, icon, reconcile } from "../dom.js";
import { change, state } from "../state.js";
import { createComposer } from "./composer.js";
import { messageNode } from "./message.js";

let open = "";

export function renderThread(pane) {
  const root = state.messages.find((message) => message.ts === state.thread);
  pane.hidden = !root;
  document.body.classList.toggle("has-thread", Boolean(root));
  if (!root) {
    open = "";
    return;
  }
  if (open !== `${state.me} ${root.ts}`) {
    open = `${state.me} ${root.ts}`;
    build(pane, root);
  }
  const list = pane.querySelector(".thread-list");
  const replies = state.messages.filter((one) => one.thread_ts === root.ts && one.ts !== root.ts);
  const shown = [root, ...replies].filter((message) => !state.dismissed.has(message.ts));
  const before = list.childElementCount;
  reconcile(list, shown, {
    key: (message) => message.ts,
    sign: (message) => JSON.stringify(message),
    build: (message, old) => {
      const node = messageNode(message, { inThread: true });
      if (before && !old) node.classList.add("is-new");
      return node;
    },
  });
  if (list.childElementCount > before) list.scrollTop = before ? list.scrollHeight : 0;
}

function build(pane, root) {
  const close = () => change({ thread: "" });
  const place = state.place === "dm" ? "pilothouse" : `#${state.place}`;
  fill(
    pane,
    h(
      "header",
      { class: "pane-header" },
      h("h2", {}, "Thread", h("small", {}, place)),
      h("button", { type: "button", class: "icon-button", "aria-label": "Close the thread", on: { click: close } }, icon("close")),
    ),
    h("div", { class: "thread-list timeline", role: "log", "aria-label": "Thread" }),
    h("footer", { class: "composer" }, createComposer({ thread: root.ts, placeholder: "Reply…" })),
  );
}
