/** The Home tab of the app, as it was published for this person. */

import { fill, h, icon } from "../dom.js";
import { state } from "../state.js";
import { blocks } from "./blocks.js";
import { viewSurface } from "./surfaces.js";

export function renderHome(box) {
  const view = state.home;
  if (!view) {
    fill(box, h("div", { class: "home-wait" }, icon("wheel"), h("p", {}, "The Home tab appears as soon as the bot has published it.")));
    return;
  }
  const top = box.scrollTop;
  fill(box, h("div", { class: "home" }, blocks(view.blocks, viewSurface(view))));
  box.scrollTop = top;
}
