/** The workspace: its conversations, its app, and who sits at the keyboard. */

import { fill, h, icon } from "../dom.js";
import { directMessage, myChannels, people, placeId, state } from "../state.js";
import { avatar } from "./avatar.js";

const ROWS = [".sidebar-scroll", ".switch"];
/** On a phone both are rows that scroll sideways. */
let shown = "";

export function renderSidebar(nav) {
  const bot = state.world?.bot;
  const scrolled = ROWS.map((row) => nav.querySelector(row)?.scrollLeft ?? 0);
  fill(
    nav,
    h("header", { class: "workspace-name" }, h("span", { class: "workspace-badge" }, icon("wheel")), h("h1", {}, state.workspace.team.name), h("small", {}, "sandbox")),
    h(
      "div",
      { class: "sidebar-scroll" },
      h("h2", {}, "Channels"),
      h("ul", {}, myChannels().map((one) => entry(one.name, one.id, icon("hash"), one.name))),
      h("h2", {}, "Apps"),
      h(
        "ul",
        {},
        entry("dm", directMessage()?.id, [avatar(state.workspace.bot.user_id, "tiny"), presence(bot?.running ?? true)], "pilothouse"),
        entry("home", "", icon("home"), "Home tab"),
      ),
    ),
    h("section", { class: "switch" }, h("h2", { id: "you-are" }, "You are"), h("ul", { "aria-labelledby": "you-are" }, people().map(personRow))),
  );
  ROWS.forEach((row, at) => (nav.querySelector(row).scrollLeft = scrolled[at]));
  const here = `${state.me}/${state.place}`;
  if (here === shown) return;
  shown = here;
  for (const one of nav.querySelectorAll("[aria-current]")) one.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function entry(place, id, mark, label) {
  const isHere = state.place === place;
  const isUnread = id && id !== placeId() && state.unread.has(id);
  return h(
    "li",
    {},
    h(
      "a",
      { href: `#/${state.me}/${place}`, class: ["entry", isHere && "is-here", isUnread && "is-unread"], "aria-current": isHere && "page" },
      h("span", { class: "entry-mark" }, mark),
      h("span", { class: "entry-name" }, label),
      isUnread && h("span", { class: "dot", "aria-label": "unread" }),
    ),
  );
}

const presence = (isThere) => h("span", { class: ["presence", isThere && "is-there"], title: isThere ? "running" : "not running" });

function personRow(one) {
  const isMe = one.name === state.me;
  return h(
    "li",
    {},
    h(
      "a",
      { href: `#/${one.name}/${state.place}`, class: ["person", isMe && "is-me"], "aria-current": isMe && "true", title: one.profile.email },
      avatar(one.id, "small"),
      h("span", { class: "person-name" }, one.name),
      h("span", { class: "person-role" }, one.profile.title.toLowerCase()),
      isMe && icon("check"),
    ),
  );
}
