/** Makes elements. Data only ever becomes text nodes and attributes, never markup. */

/** A child may be a node, a string, a list of them, or nothing. */
export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) set(node, name, value);
  append(node, children);
  return node;
}

function set(node, name, value) {
  if (value === undefined || value === null || value === false) return;
  if (name === "on") {
    for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
  } else if (name === "data") {
    Object.assign(node.dataset, value);
  } else if (name === "class") {
    node.className = Array.isArray(value) ? value.filter(Boolean).join(" ") : value;
  } else if (name === "value" || name === "checked" || name === "selected") {
    node[name] = value;
  } else {
    node.setAttribute(name, value === true ? "" : String(value));
  }
}

export function append(node, children) {
  for (const child of [children].flat(Infinity)) {
    if (child !== null && child !== undefined && child !== false && child !== "") node.append(child);
  }
  return node;
}

export function fill(node, ...children) {
  node.replaceChildren();
  return append(node, children);
}

/** One of the page's own line drawings; without a label it is only decoration. */
export function icon(name, label = "") {
  const svg = symbol("icons", name);
  svg.setAttribute("class", `icon icon-${name}`);
  if (label) {
    svg.removeAttribute("aria-hidden");
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", label);
  }
  return svg;
}

/** One symbol of icons/<sheet>.svg. */
export function symbol(sheet, name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const use = document.createElementNS(space, "use");
  use.setAttribute("href", `/icons/${sheet}.svg#${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

/**
 * Keeps a list of nodes in step with a list of items: an item whose `sign` is as before keeps its node, so that focus,
 * scroll and open details stay.
 */
export function reconcile(container, items, { key, sign, build }) {
  const before = new Map([...container.children].map((node) => [node.dataset.key, node]));
  const nodes = items.map((item) => {
    const [name, signature] = [String(key(item)), sign(item)];
    const old = before.get(name);
    if (old && old.signature === signature) return old;
    const node = build(item, old);
    node.dataset.key = name;
    node.signature = signature;
    return node;
  });
  const kept = new Set(nodes);
  for (const node of [...container.children]) if (!kept.has(node)) node.remove();
  nodes.forEach((node, at) => {
    if (container.children[at] !== node) container.insertBefore(node, container.children[at] ?? null);
  });
}
