/** rich_text blocks: what people type, and what some apps send. */

import { h } from "../dom.js";
import { formatDate } from "./dates.js";
import { withEmoji } from "./emoji.js";
import { channelMention, groupMention, link, userMention } from "./mrkdwn.js";

const STYLES = { code: "code", strike: "s", italic: "em", bold: "strong", underline: "u" };

const INLINE = {
  text: (part) => withEmoji(part.text),
  link: (part) => link(part.url, part.text || part.url),
  user: (part) => userMention(part.user_id),
  usergroup: (part) => groupMention(part.usergroup_id),
  channel: (part) => channelMention(part.channel_id),
  emoji: (part) => withEmoji(`:${part.name}:`),
  broadcast: (part) => h("span", { class: "mention mention-me" }, `@${part.range}`),
  date: (part) => formatDate(part.timestamp, part.format),
  color: (part) => part.value,
};

const PARTS = {
  rich_text_section: (part) => h("div", { class: "rich-section" }, inlines(part.elements)),
  rich_text_quote: (part) => h("blockquote", {}, inlines(part.elements)),
  rich_text_preformatted: (part) => h("pre", { class: "preformatted" }, inlines(part.elements)),
  rich_text_list: (part) => list(part),
};

export function richText(block) {
  return block.elements.map((part) => PARTS[part.type]?.(part) ?? "");
}

function inlines(elements) {
  return elements.map((part) => {
    const node = INLINE[part.type]?.(part) ?? "";
    const worn = Object.keys(STYLES).filter((style) => part.style?.[style]);
    return worn.reduce((inner, style) => h(STYLES[style], {}, inner), node);
  });
}

function list(part) {
  const items = part.elements.map((section) => h("li", {}, inlines(section.elements)));
  const shape = { class: `rich-list indent-${part.indent ?? 0}` };
  return part.style === "ordered" ? h("ol", { ...shape, start: 1 + (part.offset ?? 0) }, items) : h("ul", shape, items);
}
