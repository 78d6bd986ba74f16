/** What a message, a modal and the Home tab each do with a press, a choice, and a search for options. */

import { api } from "../api.js";
import { state } from "../state.js";

/**
 * A surface has `act(element, block, value)` → the outcome {ok, acked, error?}, `options(element, query)` → the offered
 * options, and `held(element, block)` / `hold(element, block, held)` for what inputs hold until they are submitted.
 */
export function messageSurface(message) {
  const place = { channel: message.channel, ts: message.ts };
  const kept = new Map();
  return {
    act: (element, _block, value) => api.action({ as: state.me, ...place, action_id: element.action_id, value }),
    options: (element, query) => api.options({ as: state.me, ...place, action_id: element.action_id, query }),
    held: (element) => kept.get(element.action_id),
    hold: (element, block, held) => kept.set(element.action_id, held),
  };
}

/** `drafts` is what this person put into the view so far: {block_id: {action_id: state}}; nobody else sees it. */
export function viewSurface(view, drafts = {}) {
  const act = (element, _block, value) =>
    api.viewAction(view.id, { as: state.me, action_id: element.action_id, value });
  return {
    act,
    options: (element, query) => api.options({ as: state.me, view_id: view.id, action_id: element.action_id, query }),
    held: (element, block) =>
      drafts[block.block_id]?.[element.action_id] ?? view.state.values[block.block_id]?.[element.action_id],
    hold: (element, block, held) => {
      drafts[block.block_id] = { ...drafts[block.block_id], [element.action_id]: held };
    },
  };
}
