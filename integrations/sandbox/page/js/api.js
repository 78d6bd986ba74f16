/** The sandbox's HTTP interface, as docs/sandbox.md describes it. */

export class ApiError extends Error {}

async function call(method, path, body) {
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: body ? { "content-type": "application/json" } : {},
      body: body ? JSON.stringify(body) : undefined,
    });
  } catch {
    throw new ApiError("The sandbox does not answer. Is it still running?");
  }
  const answer = await response.json().catch(() => ({}));
  // 422 is an answer like any other: a modal that says what is wrong with it.
  if (!response.ok && response.status !== 422) throw new ApiError(answer.error ?? `HTTP ${response.status}`);
  return answer;
}

const get = (path, query = {}) => call("GET", `${path}?${new URLSearchParams(query)}`);
const post = (path, body) => call("POST", path, body);
const name = encodeURIComponent;

export const api = {
  workspace: () => get("/api/workspace"),
  messages: (channel, as) => get(`/api/channels/${name(channel)}/messages`, { as }),
  say: (as, channel, text, thread_ts) => post(`/api/channels/${name(channel)}/messages`, { as, text, thread_ts }),
  command: (as, channel, text) => post("/api/commands", { as, channel, text }),
  action: (body) => post("/api/actions", body),
  shortcut: (body) => post("/api/shortcuts", body),
  options: (body) => post("/api/options", body),
  views: (as) => get("/api/views", { as }),
  submit: (view, as, values) => post(`/api/views/${name(view)}/submit`, { as, values }),
  close: (view, as) => post(`/api/views/${name(view)}/close`, { as }),
  viewAction: (view, body) => post(`/api/views/${name(view)}/actions`, body),
  home: (as) => get("/api/home", { as }),
  openHome: (as) => post("/api/home", { as }),
  world: () => get("/api/world"),
  faults: (changes) => post("/api/world/faults", changes),
  commit: (body) => post("/api/world/commits", body),
  push: (body) => post("/api/world/pushes", body),
  changeLive: (body) => post("/api/world/live", body),
  syncByHand: (body) => post("/api/world/syncs", body),
  fallIll: (body) => post("/api/world/illnesses", body),
  bot: (act) => post("/api/bot", { do: act }),
  file: (id) => `/api/files/${name(id)}`,
};

/** Calls `told` with each change, and `connected` with whether the sandbox is there. */
export function listen(told, connected) {
  const source = new EventSource("/api/events");
  source.onopen = () => connected(true);
  source.onerror = () => connected(false);
  source.onmessage = (event) => told(JSON.parse(event.data));
}
