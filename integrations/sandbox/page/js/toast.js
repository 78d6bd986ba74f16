import { h, icon } from "./dom.js";

const SECONDS = 6;

/** A sentence at the foot of the page that goes away by itself. */
export function toast(text, kind = "error") {
  const box = document.getElementById("toasts");
  if ([...box.children].some((other) => other.textContent === text)) return;
  const note = h("div", { class: `toast toast-${kind}` }, icon(kind === "error" ? "warning" : "info"), h("span", {}, text));
  box.append(note);
  setTimeout(() => note.remove(), SECONDS * 1000);
}

/** Runs `work`; what goes wrong becomes a toast, and the answer undefined. */
export async function attempt(work) {
  try {
    return await work();
  } catch (error) {
    toast(error.message);
    return undefined;
  }
}
