/** Brings the page up: reads the address, asks the sandbox, and follows what changes. */

import { api, listen } from "./api.js";
import { coalesced } from "./coalesce.js";
import { fill, h, icon } from "./dom.js";
import { change, channel, myChannels, people, person, placeId, state, subscribe } from "./state.js";
import { mainComposer, nameComposer } from "./slack/composer.js";
import { refreshAges } from "./slack/dates.js";
import { renderHome } from "./slack/home.js";
import { refreshViews, renderModals } from "./slack/modals.js";
import { renderSidebar } from "./slack/sidebar.js";
import { renderThread } from "./slack/thread.js";
import { renderTimeline } from "./slack/timeline.js";
import { attempt, toast } from "./toast.js";
import { followLinks } from "./links.js";
import { renderWorld } from "./world/panel.js";

const AGES_EVERY = 20_000;
const $ = (id) => document.getElementById(id);

const refreshMessages = coalesced(async () => {
  const [me, place] = [state.me, state.place];
  if (place === "home") return;
  const messages = await attempt(() => api.messages(place, me));
  if (messages && me === state.me && place === state.place) change({ messages });
});

const refreshHome = coalesced(async () => {
  const home = await attempt(() => api.home(state.me));
  change({ home: home ?? null });
});

const refreshWorld = coalesced(async () => {
  const world = await attempt(() => api.world());
  if (world) change({ world });
});

const refreshWorkspace = coalesced(async () => {
  const workspace = await attempt(() => api.workspace());
  if (workspace) change({ workspace });
});

/** #/bo/deployments: who looks, and at what. */
async function follow() {
  const [, me = "ana", place = "deployments"] = decodeURIComponent(location.hash).split("/");
  if (!people().some((one) => one.name === me)) return go("ana", place);
  state.me = me;
  const places = ["dm", "home", ...myChannels().map((one) => one.name)];
  if (!places.includes(place)) return go(me, myChannels()[0]?.name ?? "dm");
  change({ me, place, thread: "", messages: [], home: null, views: [] });
  const unread = new Set(state.unread);
  unread.delete(placeId());
  change({ unread });
  await Promise.all([refreshMessages(), refreshViews(), place === "home" && openHome()]);
  return undefined;
}

const go = (me, place) => location.replace(`#/${me}/${place}`);

async function openHome() {
  await attempt(() => api.openHome(state.me));
  await refreshHome();
}

/** What the sandbox tells of; see "Events" in docs/sandbox.md. */
function told(event) {
  if (event.of === "world") refreshWorld();
  else if (event.type === "message") heard(event);
  else if (event.type === "view" && event.user === person().id) refreshViews();
  else if (event.type === "home" && event.user === person().id && state.place === "home") refreshHome();
  else if (event.type === "workspace") refreshWorkspace();
  else if (event.type === "complaint" && !isSeen(event.text)) toast(`Slack would say: ${event.text}`, "info");
}

/** What was not acknowledged shows where it was pressed or typed. */
const isSeen = (complaint) => complaint.includes("was not acknowledged");

function heard(event) {
  if (event.channel === placeId()) refreshMessages();
  const isForMe = !event.ephemeral_to || event.ephemeral_to === person().id;
  const isMine = channel(event.channel)?.members.includes(person().id);
  if (event.change === "posted" && isForMe && isMine && event.channel !== placeId()) {
    change({ unread: new Set([...state.unread, event.channel]) });
  }
}

function connected(isConnected) {
  if (isConnected && !state.isConnected) Promise.all([refreshWorkspace(), refreshWorld(), refreshMessages(), refreshViews()]);
  change({ isConnected });
}

function renderHeader() {
  const found = channel(placeId());
  const title = { dm: "pilothouse", home: "pilothouse · Home" }[state.place] ?? state.place;
  fill(
    $("conversation-header"),
    h("h2", {}, icon(found && !found.is_im ? "hash" : "wheel"), title),
    found && !found.is_im && h("span", { class: "purpose" }, found.purpose),
    found && !found.is_im && h("span", { class: "members" }, icon("people"), String(found.members.length)),
    !state.isConnected && h("span", { class: "offline", role: "alert" }, "The sandbox does not answer. Trying again…"),
  );
}

function renderConversation() {
  $("composer").hidden = state.place === "home";
  if (state.place === "home") renderHome($("timeline"));
  else renderTimeline($("timeline"));
}

function render() {
  subscribe("workspace me place unread world", () => renderSidebar($("sidebar")));
  subscribe("workspace me place isConnected", renderHeader);
  subscribe("me place", nameComposer);
  subscribe("workspace me place messages dismissed home", renderConversation);
  subscribe("me place messages dismissed thread", () => renderThread($("thread")));
  subscribe("views", renderModals);
  subscribe("world", () => renderWorld($("world")));
}

async function start() {
  await Promise.all([refreshWorkspace(), refreshWorld()]);
  if (!state.workspace) return;
  fill($("composer"), mainComposer());
  render();
  renderWorld($("world"));
  followLinks();
  addEventListener("hashchange", follow);
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && state.thread && !document.querySelector("dialog[open]")) change({ thread: "" });
  });
  await follow();
  listen(told, connected);
  setInterval(refreshAges, AGES_EVERY);
}

start();
