/** Shortcuts of apps: in the menu of a message, and at the place where people type. */

import { api } from "../api.js";
import { state } from "../state.js";
import { attempt } from "../toast.js";
import { menu } from "./menu.js";

const known = (type) => (state.workspace?.shortcuts ?? []).filter((one) => one.type === type);

export const hasShortcuts = (type) => known(type).length > 0;

/** Opens the menu at a button; `message` is the one that it is about, if any. */
export async function offerShortcuts(anchor, message = null) {
  const place = message ? { channel: state.place, ts: message.ts } : {};
  const entries = known(message ? "message" : "global").map((one) => ({ label: one.name, value: one.callback_id }));
  const chosen = await menu(anchor, entries);
  if (chosen) await attempt(() => api.shortcut({ as: state.me, callback_id: chosen.value, ...place }));
}
