/** Block Kit, as Slack lays it out. `surface` says what pressing and choosing does; see surfaces.js. */

import { append, h } from "../dom.js";
import { element } from "./elements.js";
import { inputBlock } from "./inputs.js";
import { mrkdwn, textObject } from "./mrkdwn.js";
import { richText } from "./richtext.js";

const BLOCKS = {
  header: (block) => [h("h3", {}, textObject(block.text))],
  section: (block, surface) => section(block, surface),
  divider: () => [h("hr")],
  context: (block) => block.elements.map((part) => h("span", { class: "context-part" }, contextPart(part))),
  actions: (block, surface) => [
    h("div", { class: "action-row" }, block.elements.map((part) => element(part, block, surface))),
  ],
  input: (block, surface) => inputBlock(block, surface),
  image: (block) => [h("figure", {}, block.title && h("figcaption", {}, textObject(block.title)), picture(block))],
  rich_text: (block) => richText(block),
  markdown: (block) => [h("div", { class: "rich-section" }, mrkdwn(block.text))],
  table: (block) => [table(block)],
  video: (block) => [h("p", {}, textObject(block.title))],
  file: (block) => [h("p", {}, `File ${block.external_id}`)],
};

export function blocks(list, surface) {
  return list.map((block) => {
    const node = h("div", { class: `block block-${block.type}`, data: { block: block.block_id ?? "" } });
    return append(node, BLOCKS[block.type]?.(block, surface) ?? [`(a ${block.type} block)`]);
  });
}

function section(block, surface) {
  const text = block.text && h("div", { class: "section-text" }, textObject(block.text));
  const fields = block.fields?.map((field) => h("div", { class: "field" }, textObject(field)));
  const body = h("div", { class: "section-body" }, text, fields && h("div", { class: "fields" }, fields));
  if (!block.accessory) return [body];
  const part = block.accessory.type === "image" ? picture(block.accessory) : element(block.accessory, block, surface);
  return [body, h("div", { class: "accessory" }, part)];
}

function contextPart(part) {
  return part.type === "image" ? picture(part) : textObject(part);
}

/** The page is offline: what a picture shows is told in words. */
function picture(image) {
  return h("span", { class: "picture", role: "img", "aria-label": image.alt_text, title: image.alt_text }, "🖼");
}

function table(block) {
  const rows = block.rows.map((row, at) =>
    h("tr", {}, row.map((cell) => h(at ? "td" : "th", {}, tableCell(cell)))),
  );
  return h("table", {}, h("tbody", {}, rows));
}

function tableCell(cell) {
  return cell.type === "rich_text" ? richText(cell) : String(cell.text ?? cell.value ?? "");
}
