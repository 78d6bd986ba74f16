/** Who looks, at what, and what is known so far. Whoever shows some of it subscribes to its name. */

const listeners = new Map();

export const state = {
  me: "ana",
  /** The name of a channel, "dm" or "home". */
  place: "deployments",
  thread: "",
  workspace: null,
  messages: [],
  /** The modals that this person has open, the upper one last, and the Home tab of the app. */
  views: [],
  home: null,
  dismissed: new Set(),
  unread: new Set(),
  world: null,
  isConnected: true,
};

export function subscribe(names, listener) {
  for (const name of names.split(" ")) {
    listeners.set(name, [...(listeners.get(name) ?? []), listener]);
  }
}

export function change(parts) {
  const told = new Set();
  Object.assign(state, parts);
  for (const name of Object.keys(parts)) for (const listener of listeners.get(name) ?? []) told.add(listener);
  for (const listener of told) listener();
}

export const person = () => state.workspace.users.find((user) => user.name === state.me);
export const people = () => state.workspace.users.filter((user) => !user.is_bot && user.id !== "USLACKBOT");
export const user = (id) => state.workspace.users.find((one) => one.id === id);
export const channel = (id) => state.workspace.channels.find((one) => one.id === id);
export const group = (id) => state.workspace.groups.find((one) => one.id === id);
export const directMessage = () => state.workspace.channels.find((one) => one.is_im && one.user === person().id);
export const myChannels = () =>
  state.workspace.channels.filter((one) => !one.is_im && one.members.includes(person().id));

/** The id of the conversation that is open; "" for the Home tab. */
export function placeId() {
  if (state.place === "home") return "";
  if (state.place === "dm") return directMessage()?.id ?? "";
  return state.workspace.channels.find((one) => one.name === state.place)?.id ?? "";
}
