/** Interactive elements: what is pressed or chosen goes to the app at once, and shows until the app has acknowledged. */

import { h, icon } from "../dom.js";
import { attempt } from "../toast.js";
import { ask, confirmed } from "./confirm.js";
import { control } from "./inputs.js";
import { menu } from "./menu.js";
import { textObject } from "./mrkdwn.js";

export function element(part, block, surface) {
  if (part.type === "button" || part.type === "workflow_button") return button(part, block, surface);
  if (part.type === "overflow") return overflow(part, block, surface);
  const holder = h("div", { class: "chooser" });
  const chosen = async (held) => {
    surface.hold(part, block, held);
    if (await confirmed(part)) await pressed(holder, () => surface.act(part, block, held));
  };
  holder.append(control(part, block, surface, chosen));
  return holder;
}

function button(part, block, surface) {
  const node = h(
    "button",
    { type: "button", class: ["button", part.style && `button-${part.style}`], "aria-label": part.accessibility_label },
    h("span", { class: "button-label" }, textObject(part.text)),
  );
  node.addEventListener("click", async () => {
    if (part.confirm && !(await ask(part.confirm))) return;
    if (part.url) window.open(part.url, "_blank", "noopener");
    await pressed(node, () => surface.act(part, block));
  });
  return node;
}

function overflow(part, block, surface) {
  const node = h(
    "button",
    { type: "button", class: "button button-overflow", "aria-label": "More", "aria-haspopup": "menu" },
    icon("more"),
  );
  node.addEventListener("click", async () => {
    const option = await menu(node, part.options.map((one) => ({ label: one.text.text, value: one.value })));
    if (option && (await confirmed(part))) await pressed(node, () => surface.act(part, block, option.value));
  });
  return node;
}

/** A spinner until the app acknowledges; a sentence that stays when it does not within three seconds. */
export async function pressed(node, act) {
  node.parentElement?.querySelectorAll(":scope > .not-acked").forEach((old) => old.remove());
  node.classList.add("is-busy");
  node.setAttribute("aria-busy", "true");
  const outcome = await attempt(act);
  node.classList.remove("is-busy");
  node.removeAttribute("aria-busy");
  if (outcome && !outcome.acked && outcome.delivered !== false && !outcome.cancelled) {
    node.after(h("span", { class: "not-acked", role: "alert" }, icon("warning"), failure(outcome.error)));
  }
  return outcome;
}

function failure(error) {
  if (error === "operation_timeout") return "pilothouse did not answer within 3 seconds.";
  return `pilothouse could not be reached (${error ?? "no answer"}).`;
}
