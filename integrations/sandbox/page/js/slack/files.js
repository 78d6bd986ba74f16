/** A file that was shared: its name, and the picture, or the beginning of its text. */

import { api } from "../api.js";
import { h, icon } from "../dom.js";
import { toast } from "../toast.js";

const PREVIEW_LINES = 12;

export function fileCard(file) {
  return h(
    "div",
    { class: "file" },
    h(
      "div",
      { class: "file-head" },
      icon("file"),
      h("a", { href: api.file(file.id), target: "_blank", rel: "noopener", class: "file-name" }, file.title || file.name),
      h("span", { class: "file-size" }, size(file.size)),
    ),
    file.mimetype.startsWith("image/") ? picture(file) : beginning(file),
  );
}

function picture(file) {
  const link = { href: api.file(file.id), target: "_blank", rel: "noopener" };
  return h("a", link, h("img", { class: "file-picture", src: api.file(file.id), alt: file.alt_txt ?? "" }));
}

function beginning(file) {
  const preview = h("pre", { class: "file-preview" });
  const more = h("button", { type: "button", class: "link-button", hidden: true }, "Show all");
  load(file, preview, more);
  return h("div", {}, preview, more);
}

async function load(file, preview, more) {
  try {
    const text = await (await fetch(api.file(file.id))).text();
    const lines = text.trimEnd().split("\n");
    preview.textContent = lines.slice(0, PREVIEW_LINES).join("\n");
    more.hidden = lines.length <= PREVIEW_LINES;
    more.addEventListener("click", () => {
      preview.textContent = lines.join("\n");
      more.hidden = true;
    });
  } catch {
    toast(`The file ${file.name} could not be loaded.`);
  }
}

const size = (bytes) => (bytes < 1024 ? `${bytes} bytes` : `${(bytes / 1024).toFixed(1)} KB`);
