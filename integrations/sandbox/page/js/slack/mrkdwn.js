/** Slack's own markup, as nodes: https://docs.slack.dev/messaging/formatting-message-text */

import { h } from "../dom.js";
import { channel, group, person, state, user } from "../state.js";
import { exactly, formatDate } from "./dates.js";
import { withEmoji } from "./emoji.js";

const ENTITIES = { "&amp;": "&", "&lt;": "<", "&gt;": ">" };
const TAGS = { "*": "strong", _: "em", "~": "s" };
const ATOM = /`[^`\n]+`|<[^<>\n]+>/g;
// A mark opens at the edge of a word and closes at the edge of a word, on one line.
const STYLED = /(?<![\p{L}\p{N}])([*_~])(?=\S)(?!\1)([^\n]*?\S)\1(?![\p{L}\p{N}])/u;

export const unescaped = (text) => text.replace(/&(?:amp|lt|gt);/g, (entity) => ENTITIES[entity]);

export function mrkdwn(text) {
  const parts = text.split(/```\n?([\s\S]*?)\n?```/);
  return parts.flatMap((part, at) => (at % 2 ? [h("pre", { class: "preformatted" }, atoms(part))] : lines(part)));
}

/** Quotes stand on lines of their own; all else flows. */
function lines(text) {
  const nodes = [];
  let plain = [];
  let quoted = [];
  const flush = () => {
    if (plain.length) nodes.push(...inline(plain.join("\n")));
    if (quoted.length) nodes.push(h("blockquote", {}, inline(quoted.join("\n"))));
    [plain, quoted] = [[], []];
  };
  for (const line of text.split("\n")) {
    const quote = /^(?:&gt;|>) ?(.*)$/.exec(line);
    if (quote ? plain.length : quoted.length) flush();
    (quote ? quoted : plain).push(quote ? quote[1] : line);
  }
  flush();
  return nodes;
}

/** Code and <…> are set aside first: nothing inside them is markup. */
function inline(text) {
  const held = [];
  const marked = text.replace(/[\uE000-\uF8FF]/g, "").replace(ATOM, (atom) => {
    held.push(atom);
    return String.fromCharCode(0xe000 + held.length - 1);
  });
  return styled(marked, held);
}

function styled(text, held) {
  const found = STYLED.exec(text);
  if (!found) return restored(text, held);
  const [whole, mark, inside] = found;
  const after = text.slice(found.index + whole.length);
  return [
    ...restored(text.slice(0, found.index), held),
    h(TAGS[mark], {}, styled(inside, held)),
    ...styled(after, held),
  ];
}

function restored(text, held) {
  return text.split(/([\uE000-\uF8FF])/).flatMap((part, at) => {
    if (at % 2) return atom(held[part.charCodeAt(0) - 0xe000]);
    return part ? withEmoji(unescaped(part)) : [];
  });
}

const atoms = (text) => text.split(/(<[^<>\n]+>)/).map((part, at) => (at % 2 ? atom(part) : unescaped(part)));

function atom(text) {
  if (text.startsWith("`")) return h("code", {}, atoms(text.slice(1, -1)));
  const [target, label] = split(text.slice(1, -1), "|");
  if (target.startsWith("!date^")) return dateNode(target, label);
  if (target.startsWith("@")) return userMention(target.slice(1), label);
  if (target.startsWith("#")) return channelMention(target.slice(1), label);
  if (target.startsWith("!subteam^")) return groupMention(target.slice("!subteam^".length), label);
  if (target.startsWith("!")) return h("span", { class: "mention mention-me" }, `@${label || target.slice(1)}`);
  return link(unescaped(target), unescaped(label || target));
}

function split(text, mark) {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

export function userMention(id, label = "") {
  const found = user(id);
  const mine = id === person()?.id;
  return h("span", { class: ["mention", mine && "mention-me"], title: found?.profile.title }, `@${found?.name ?? (label || id)}`);
}

export function groupMention(id, label = "") {
  const found = group(id);
  const mine = found?.members.includes(person()?.id);
  return h("span", { class: ["mention", mine && "mention-me"] }, `@${found?.handle ?? (label || id).replace(/^@/, "")}`);
}

export function channelMention(id, label = "") {
  const found = channel(id);
  const here = found && !found.is_im && found.members.includes(person()?.id);
  const name = `#${found?.name ?? (label || id)}`;
  return here ? h("a", { class: "mention", href: `#/${state.me}/${found.name}` }, name) : h("span", { class: "mention" }, name);
}

/** Only addresses of the web become links. */
export function link(url, label) {
  if (!/^(https?|mailto):/i.test(url)) return label;
  return h("a", { href: url, target: "_blank", rel: "noopener noreferrer", title: url }, label);
}

function dateNode(target, fallback) {
  const [, seconds, format, url] = target.split("^");
  if (!/^\d+$/.test(seconds) || !format) return unescaped(fallback);
  const at = new Date(Number(seconds) * 1000);
  const shown = formatDate(Number(seconds), unescaped(format));
  const data = { seconds, format: unescaped(format) };
  const node = h("time", { datetime: at.toISOString(), title: exactly(at), data }, shown);
  return url ? link(unescaped(url), node) : node;
}

/** A text object: plain_text is shown as it is, but for emoji. */
export function textObject(text) {
  if (!text) return [];
  return text.type === "mrkdwn" ? mrkdwn(text.text) : withEmoji(text.text);
}
