/** The dialog that asks once more before something is done. */

import { h } from "../dom.js";
import { textObject } from "./mrkdwn.js";

export const confirmed = async (element) => !element.confirm || ask(element.confirm);

/** Resolves to whether the person said yes. */
export function ask(confirm) {
  return new Promise((resolve) => {
    const yes = h(
      "button",
      { type: "button", class: `button button-${confirm.style ?? "primary"}`, on: { click: () => done(true) } },
      textObject(confirm.confirm),
    );
    const no = h("button", { type: "button", class: "button", on: { click: () => done(false) } }, textObject(confirm.deny));
    const dialog = h(
      "dialog",
      { class: "dialog confirm", "aria-label": confirm.title.text },
      h("h2", {}, textObject(confirm.title)),
      h("div", { class: "dialog-body" }, textObject(confirm.text)),
      h("div", { class: "dialog-foot" }, no, yes),
    );
    const done = (answer) => {
      dialog.remove();
      resolve(answer);
    };
    dialog.addEventListener("cancel", () => done(false));
    document.body.append(dialog);
    dialog.showModal();
    yes.focus();
  });
}
