/** One message as one person sees it. */

import { h, icon } from "../dom.js";
import { change, state, user } from "../state.js";
import { avatar } from "./avatar.js";
import { blocks } from "./blocks.js";
import { exactly, formatDate, timeOf } from "./dates.js";
import { withEmoji } from "./emoji.js";
import { fileCard } from "./files.js";
import { mrkdwn } from "./mrkdwn.js";
import { hasShortcuts, offerShortcuts } from "./shortcuts.js";
import { messageSurface } from "./surfaces.js";

/** `isFollowed`: the line above is by the same author, so the name is not said again. `answers`: the thread it is also in. */
export function messageNode(message, { isFollowed = false, replies = [], answers = null, inThread = false } = {}) {
  const author = user(message.user);
  const gutter = isFollowed
    ? h("span", { class: "message-time-aside" }, timeOf(message.ts))
    : avatar(message.user);
  const shape = ["message", isFollowed && "is-followed", message.ephemeral && "is-ephemeral"];
  return h(
    "article",
    { class: shape, "aria-label": `${author?.name ?? message.user}, ${timeOf(message.ts)}`, data: { ts: message.ts } },
    message.ephemeral && onlyYou(message),
    h(
      "div",
      { class: "message-row" },
      h("div", { class: "message-gutter" }, gutter),
      h(
        "div",
        { class: "message-main" },
        !isFollowed && headline(message, author),
        answers && repliedTo(answers),
        content(message),
        !inThread && replies.length > 0 && replyBar(message, replies),
      ),
      tools(message, inThread),
    ),
  );
}

function onlyYou(message) {
  const dismiss = () => change({ dismissed: new Set([...state.dismissed, message.ts]) });
  return h(
    "div",
    { class: "only-you" },
    icon("eye"),
    "Only visible to you · ",
    h("button", { type: "button", class: "link-button", on: { click: dismiss } }, "Dismiss"),
  );
}

function repliedTo(root) {
  const open = () => change({ thread: root.ts });
  return h("div", { class: "replied-to" }, "replied to a thread: ", h("button", { type: "button", class: "link-button", on: { click: open } }, mrkdwn(root.text)));
}

function headline(message, author) {
  const at = new Date(Number(message.ts) * 1000);
  return h(
    "div",
    { class: "message-head" },
    h("span", { class: "author" }, message.username ?? author?.profile.display_name ?? message.user),
    author?.is_bot && h("span", { class: "badge" }, "APP"),
    h("time", { class: "message-time", datetime: at.toISOString(), title: exactly(at) }, timeOf(message.ts)),
  );
}

function content(message) {
  const surface = messageSurface(message);
  const body = message.blocks?.length
    ? blocks(message.blocks, surface)
    : message.text && h("div", { class: "block rich-section" }, mrkdwn(message.text));
  return h(
    "div",
    { class: "message-body" },
    body,
    (message.attachments ?? []).map((attachment) => attachmentNode(attachment, surface)),
    (message.files ?? []).map(fileCard),
    message.edited && h("span", { class: "edited" }, "(edited)"),
    message.reactions && h("div", { class: "reactions" }, message.reactions.map(reaction)),
  );
}

const NAMED = { good: "#2eb67d", warning: "#ecb22e", danger: "#e01e5a" };

function attachmentNode(attachment, surface) {
  const node = h(
    "div",
    { class: "attachment" },
    attachment.pretext && h("div", {}, mrkdwn(attachment.pretext)),
    h(
      "div",
      { class: "attachment-body" },
      attachment.title && h("strong", {}, attachment.title),
      attachment.text && h("div", { class: "rich-section" }, mrkdwn(attachment.text)),
      blocks(attachment.blocks ?? [], surface),
      attachment.footer && h("small", {}, attachment.footer),
    ),
  );
  const colour = NAMED[attachment.color] ?? (/^#?[0-9a-f]{6}$/i.test(attachment.color) ? attachment.color : "");
  if (colour) node.style.setProperty("--bar", colour.startsWith("#") ? colour : `#${colour}`);
  return node;
}

const reaction = (one) => h("span", { class: "reaction" }, withEmoji(`:${one.name}:`), " ", String(one.count));

function replyBar(message, replies) {
  const last = replies.at(-1);
  const faces = [...new Set(replies.map((reply) => reply.user))].slice(0, 4);
  const words = replies.length === 1 ? "1 reply" : `${replies.length} replies`;
  const format = "Last reply {ago}";
  return h(
    "button",
    { type: "button", class: "reply-bar", on: { click: () => change({ thread: message.ts }) } },
    h("span", { class: "reply-faces" }, faces.map((face) => avatar(face, "small"))),
    h("span", { class: "reply-count" }, words),
    h("time", { class: "reply-last", data: { seconds: last.ts, format } }, formatDate(Number(last.ts), format)),
    h("span", { class: "reply-open" }, "View thread", icon("chevron")),
  );
}

function tools(message, inThread) {
  if (message.ephemeral) return null;
  const open = () => change({ thread: message.thread_ts ?? message.ts });
  const more = (event) => offerShortcuts(event.currentTarget, message);
  return h(
    "div",
    { class: "message-tools" },
    !inThread && tool("Reply in thread", "thread", open),
    hasShortcuts("message") && tool("More actions", "more", more),
  );
}

const tool = (label, picture, click) =>
  h("button", { type: "button", title: label, "aria-label": label, on: { click } }, icon(picture));
