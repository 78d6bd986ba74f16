import { h, icon } from "../dom.js";
import { people, user } from "../state.js";

const COLOURS = 6;

/** A person's initial on a colour of their own; the bot's wheel; Slackbot's heart. */
export function avatar(id, size = "") {
  const found = user(id);
  const shape = ["avatar", size && `avatar-${size}`];
  if (found?.is_bot) return h("span", { class: [...shape, "avatar-bot"], "aria-hidden": "true" }, icon("wheel"));
  if (id === "USLACKBOT") return h("span", { class: [...shape, "avatar-slackbot"], "aria-hidden": "true" }, icon("heart"));
  const colour = Math.max(0, people().indexOf(found)) % COLOURS;
  const initial = (found?.real_name ?? id).charAt(0);
  return h("span", { class: [...shape, `avatar-${colour}`], "aria-hidden": "true" }, initial);
}
