/** The messages of the open conversation, oldest first, kept in step with what comes in. */

import { fill, h, icon, reconcile } from "../dom.js";
import { placeId, channel, state } from "../state.js";
import { composeText } from "./composer.js";
import { dayOf } from "./dates.js";
import { messageNode } from "./message.js";

const TOGETHER_SECONDS = 300;
const NEAR_END = 120;
const TRY = ["/deploy my-app prod", "/status", "/deploy", "/pipeline run my-app"];

let shown = "";

export function renderTimeline(box) {
  const place = placeId();
  const isAtEnd = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_END;
  const isNewPlace = shown !== `${state.me} ${place}`;
  shown = `${state.me} ${place}`;
  if (isNewPlace) fill(box);
  const visible = state.messages.filter((message) => !state.dismissed.has(message.ts));
  reconcile(box, [{ key: "intro" }, ...rows(visible)], {
    key: (row) => row.key,
    sign: (row) => JSON.stringify(row),
    build: (row, old) => {
      const node = build(row);
      if (!isNewPlace && !old && row.message) node.classList.add("is-new");
      return node;
    },
  });
  if (isNewPlace || isAtEnd) box.scrollTop = box.scrollHeight;
}

/** Days and messages, with what a message needs to know of its neighbours. */
function rows(messages) {
  const result = [];
  let before;
  for (const message of messages.filter((one) => !one.thread_ts || one.thread_ts === one.ts || one.broadcast)) {
    const day = dayOf(message.ts);
    if (!before || day !== dayOf(before.ts)) result.push({ key: day, day });
    const replies = messages.filter((one) => one.thread_ts === message.ts && one.ts !== message.ts);
    const root = message.broadcast && messages.find((one) => one.ts === message.thread_ts);
    const answers = root && { ts: root.ts, text: root.text };
    result.push({ key: message.ts, message, replies, answers, isFollowed: follows(message, before) });
    before = message;
  }
  return result;
}

function follows(message, before) {
  if (!before || before.user !== message.user || dayOf(before.ts) !== dayOf(message.ts)) return false;
  const isQuiet = Number(message.ts) - Number(before.ts) < TOGETHER_SECONDS;
  return isQuiet && !isApart(before) && !isApart(message);
}

const isApart = (message) => message.ephemeral || message.attachments || message.broadcast;

function build(row) {
  if (row.key === "intro") return intro();
  if (row.day) return h("div", { class: "day" }, h("span", {}, row.day));
  return messageNode(row.message, row);
}

function intro() {
  const found = channel(placeId());
  const isDm = state.place === "dm";
  const chips = TRY.map((text) =>
    h("button", { type: "button", class: "chip-button", on: { click: () => composeText(text) } }, h("code", {}, text)),
  );
  return h(
    "div",
    { class: "intro" },
    h("h2", {}, icon(isDm ? "wheel" : "hash"), isDm ? "pilothouse" : found?.name),
    h("p", {}, isDm ? "This is between you and pilothouse: pilothouse says here what becomes of your promotions." : `${found?.purpose ?? ""}. This is where #${found?.name} begins.`),
    h("p", { class: "intro-try" }, h("span", {}, "Try"), chips),
  );
}
