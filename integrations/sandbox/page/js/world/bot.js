/** The bot's process, and the three things that may happen to it. */

import { api } from "../api.js";
import { fill, h, icon } from "../dom.js";
import { attempt } from "../toast.js";

let shown = "";

export function bot(box, process) {
  if (shown === JSON.stringify(process)) return;
  shown = JSON.stringify(process);
  const { running, pid, exit } = process;
  const state = running ? `pid ${pid}` : exit === -9 ? "killed" : exit ? `exit ${exit}` : "stopped";
  fill(
    box,
    h("span", { class: ["bot-state", running && "is-running"] }, h("span", { class: "bot-dot" }), h("b", {}, "bot"), ` ${state}`),
    running
      ? [act("kill", "Kill", "SIGKILL: as if the machine had lost power", "skull"), act("stop", "Stop", "SIGTERM: a graceful end", "stop")]
      : act("start", "Start", "Start it again", "play"),
  );
}

function act(name, label, title, mark) {
  const press = async (event) => {
    const button = event.currentTarget;
    button.disabled = true;
    button.classList.add("is-busy");
    await attempt(() => api.bot(name));
  };
  return h("button", { type: "button", class: `small-button bot-${name}`, title, on: { click: press } }, icon(mark), label);
}
