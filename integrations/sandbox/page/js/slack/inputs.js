/** Inputs: each shows what it holds, and tells `changed` the new state as payloads carry it. */

import { h } from "../dom.js";
import { people, state } from "../state.js";
import { textObject } from "./mrkdwn.js";
import { select } from "./select.js";

const TYPED = { plain_text_input: "text", number_input: "text", email_text_input: "email", url_text_input: "url" };
const PICKED = {
  datepicker: ["date", "selected_date", "initial_date"],
  timepicker: ["time", "selected_time", "initial_time"],
};

/** An input block: label, control, hint, and room for what is wrong with it. */
export function inputBlock(block, surface) {
  const part = block.element;
  const id = `input-${block.block_id}-${part.action_id}`;
  const changed = (held) => {
    surface.hold(part, block, held);
    // Tells the view what was chosen, so that the next select's search knows; the app hears of it only if it asked to.
    if (block.dispatch_action || !(part.type in TYPED)) surface.act(part, block, held).catch(() => undefined);
  };
  const label = h(
    "label",
    { for: id, id: `${id}-label` },
    textObject(block.label),
    block.optional && h("span", { class: "optional" }, " (optional)"),
  );
  const node = control(part, block, surface, changed, id);
  const error = h("div", { class: "input-error", role: "alert", id: `${id}-error` });
  const hint = block.hint && h("div", { class: "hint" }, textObject(block.hint));
  return [label, node, error, hint];
}

/** The control alone, as it stands in sections and action rows too. */
export function control(part, block, surface, changed, id) {
  const shape = { part, held: surface.held(part, block), changed, id, surface };
  if (part.type in TYPED) return typed(shape);
  if (part.type in PICKED) return picked(shape);
  if (part.type === "datetimepicker") return moment(shape);
  if (part.type === "radio_buttons" || part.type === "checkboxes") return boxes(shape);
  if (/select$/.test(part.type)) return chooser(shape);
  return h("span", { class: "hint" }, `(${part.type} is not shown here)`);
}

function typed({ part, held, changed, id }) {
  const tell = (event) => changed({ type: part.type, value: event.target.value || null });
  const props = {
    id,
    class: "field-input",
    value: held?.value ?? part.initial_value ?? "",
    placeholder: part.placeholder?.text,
    maxlength: part.max_length,
    autofocus: part.focus_on_load,
    "aria-describedby": id && `${id}-error`,
    inputmode: part.type === "number_input" ? "decimal" : undefined,
    on: { input: later(tell), change: tell },
  };
  return part.multiline ? h("textarea", { ...props, rows: 4 }) : h("input", { ...props, type: TYPED[part.type] });
}

/** What is typed is kept at once; it is told a moment after the last key. */
function later(tell) {
  let waiting;
  return (event) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => tell(event), 150);
  };
}

function picked({ part, held, changed, id }) {
  const [type, field, initial] = PICKED[part.type];
  const tell = (event) => changed({ type: part.type, [field]: event.target.value || null });
  return h("input", { id, type, class: "field-input", value: held?.[field] ?? part[initial] ?? "", on: { change: tell } });
}

function moment({ part, held, changed, id }) {
  const seconds = held?.selected_date_time ?? part.initial_date_time;
  const local = seconds ? new Date(seconds * 1000 - new Date().getTimezoneOffset() * 60000).toISOString() : "";
  const tell = (event) => {
    const at = event.target.value ? Math.floor(new Date(event.target.value) / 1000) : null;
    changed({ type: part.type, selected_date_time: at });
  };
  return h("input", { id, type: "datetime-local", class: "field-input", value: local.slice(0, 16), on: { change: tell } });
}

function boxes({ part, held, changed, id }) {
  const isMany = part.type === "checkboxes";
  const before = isMany
    ? (held?.selected_options ?? part.initial_options ?? [])
    : [held?.selected_option ?? part.initial_option].filter(Boolean);
  const inputs = part.options.map((option) =>
    h("input", {
      type: isMany ? "checkbox" : "radio",
      name: `${id ?? part.action_id}`,
      checked: before.some((one) => one.value === option.value),
      on: { change: () => tell() },
    }),
  );
  const tell = () => {
    const now = part.options.filter((_, at) => inputs[at].checked);
    changed(isMany ? { type: part.type, selected_options: now } : { type: part.type, selected_option: now[0] ?? null });
  };
  const rows = part.options.map((option, at) =>
    h(
      "label",
      { class: "box" },
      inputs[at],
      h("span", {}, textObject(option.text), option.description && h("small", {}, textObject(option.description))),
    ),
  );
  return h("div", { class: "boxes", role: isMany ? "group" : "radiogroup", id, "aria-labelledby": id && `${id}-label` }, rows);
}

const FIELDS = { users: "user", conversations: "conversation", channels: "channel" };

/** Every kind of select, as one searchable list. */
function chooser({ part, held, changed, id, surface }) {
  const isMany = part.type.startsWith("multi_");
  const kind = part.type.replace("multi_", "").replace("_select", "");
  const isListed = kind in FIELDS;
  const field = isListed ? `selected_${FIELDS[kind]}${isMany ? "s" : ""}` : isMany ? "selected_options" : "selected_option";
  const raw = held?.[field] ?? part[field.replace("selected", "initial")] ?? [];
  const before = [raw].flat().map((one) => (isListed ? listed(kind).find((item) => item.value === one) : one));
  const tell = (options) => {
    const values = isListed ? options.map((option) => option.value) : options.map(bare);
    changed({ type: part.type, [field]: isMany ? values : (values[0] ?? null) });
  };
  const search = isListed
    ? async (query) => matching(listed(kind), query)
    : kind === "external"
      ? (query) => external(part, surface, query)
      : async (query) => matching(offered(part), query);
  const placeholder = part.placeholder?.text ?? "Select an option";
  return select({ id, isMany, placeholder, before: before.filter(Boolean), search, changed: tell, autofocus: part.focus_on_load });
}

const bare = ({ text, value, description }) => ({ text, value, ...(description ? { description } : {}) });
const offered = (part) => part.options ?? (part.option_groups ?? []).flatMap(inGroup);
const inGroup = (group) => group.options.map((option) => ({ ...option, group: group.label.text }));
const matching = (options, query) =>
  options.filter((option) => option.text.text.toLowerCase().includes(query.toLowerCase()));

async function external(part, surface, query) {
  const answer = await surface.options(part, query);
  if (answer.ok === false) throw new Error("The options could not be loaded.");
  return answer.options ?? (answer.option_groups ?? []).flatMap(inGroup);
}

function listed(kind) {
  const option = (label, value) => ({ text: { type: "plain_text", text: label }, value });
  if (kind === "users") return people().map((one) => option(`@${one.name}`, one.id));
  return state.workspace.channels.filter((one) => !one.is_im).map((one) => option(`#${one.name}`, one.id));
}
