/** <!date^…> in the viewer's own time zone and language, as Slack's clients write it. */

const DAY = 86_400_000;
const numeric = { year: "numeric", month: "2-digit", day: "2-digit" };

const written = (moment, options) => new Intl.DateTimeFormat(undefined, options).format(moment);

const TOKENS = {
  date_num: (at) => new Intl.DateTimeFormat("sv-SE", numeric).format(at),
  date: (at) => written(at, { year: "numeric", month: "long", day: "numeric" }),
  date_slash: (at) => written(at, numeric),
  date_short: (at) => written(at, { year: "numeric", month: "short", day: "numeric" }),
  date_long: (at) => written(at, { weekday: "long", year: "numeric", month: "long", day: "numeric" }),
  time: (at) => written(at, { hour: "numeric", minute: "2-digit" }),
  time_secs: (at) => written(at, { hour: "numeric", minute: "2-digit", second: "2-digit" }),
  ago: (at) => ago(at),
};

for (const plain of ["date", "date_short", "date_long"]) {
  TOKENS[`${plain}_pretty`] = (at) => nearby(at) ?? TOKENS[plain](at);
}
TOKENS.day_divider_pretty = (at) => nearby(at) ?? written(at, { weekday: "long", month: "long", day: "numeric" });

export function formatDate(seconds, format) {
  const at = new Date(seconds * 1000);
  return format.replace(/\{(\w+)\}/g, (token, name) => TOKENS[name]?.(at) ?? token);
}

export const timeOf = (ts) => TOKENS.time(new Date(Number(ts) * 1000));
export const dayOf = (ts) => capital(TOKENS.day_divider_pretty(new Date(Number(ts) * 1000)));
export const exactly = (at) => written(at, { dateStyle: "full", timeStyle: "medium" });

/** "3 minutes ago", "in 2 hours", "just now". */
export function ago(at) {
  const seconds = (at - Date.now()) / 1000;
  const [amount, unit] = [
    [seconds / 86400, "day"],
    [seconds / 3600, "hour"],
    [seconds / 60, "minute"],
  ].find(([many]) => Math.abs(many) >= 1) ?? [0, "second"];
  if (!amount) return "just now";
  return new Intl.RelativeTimeFormat(undefined, { numeric: "always" }).format(Math.trunc(amount), unit);
}

function nearby(at) {
  const midnight = new Date().setHours(0, 0, 0, 0);
  const days = Math.round((new Date(at).setHours(0, 0, 0, 0) - midnight) / DAY);
  return { "-1": "yesterday", 0: "today", 1: "tomorrow" }[days];
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** Rewrites every relative time on the page; call it now and then. */
export function refreshAges() {
  for (const node of document.querySelectorAll("time[data-format*='ago}']")) {
    node.textContent = formatDate(Number(node.dataset.seconds), node.dataset.format);
  }
}
