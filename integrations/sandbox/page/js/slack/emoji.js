/** Emoji as pictures, so that they look the same everywhere, also where no font has them. */

import { h, symbol } from "../dom.js";

/** Shortcodes, for those who write :tada: instead of 🎉. An unknown one stays as it was typed, as in Slack. */
const NAMES = {
  "+1": "👍", "-1": "👎", alarm_clock: "⏰", arrow_right: "➡️", ballot_box_with_check: "☑️", bangbang: "‼️", bell: "🔔",
  black_circle: "⚫", boom: "💥", broken_heart: "💔", bug: "🐛", bulb: "💡", calendar: "📆", checkered_flag: "🏁",
  clap: "👏", clock1: "🕐", closed_lock_with_key: "🔐", construction: "🚧", eyes: "👀", exclamation: "❗", fire: "🔥",
  gear: "⚙️", green_heart: "💚", grey_question: "❔", hammer: "🔨", hammer_and_wrench: "🛠️", heart: "❤️",
  heavy_check_mark: "✔️", hourglass: "⌛", hourglass_flowing_sand: "⏳", house: "🏠", information_source: "ℹ️",
  key: "🔑", large_blue_circle: "🔵", large_green_circle: "🟢", large_orange_circle: "🟠", large_yellow_circle: "🟡",
  link: "🔗", lock: "🔒", mag: "🔍", mega: "📣", memo: "📝", no_entry: "⛔", no_entry_sign: "🚫", octagonal_sign: "🛑",
  ok_hand: "👌", package: "📦", pencil: "📝", point_right: "👉", pray: "🙏", question: "❓", raised_hand: "✋",
  recycle: "♻️", red_circle: "🔴", repeat: "🔁", rewind: "⏪", robot_face: "🤖", rocket: "🚀", rotating_light: "🚨",
  scroll: "📜", see_no_evil: "🙈", ship: "🚢", slightly_smiling_face: "🙂", smile: "😄", snowflake: "❄️", sos: "🆘",
  sparkles: "✨", star: "⭐", stopwatch: "⏱️", tada: "🎉", test_tube: "🧪", thinking_face: "🤔", thumbsdown: "👎",
  thumbsup: "👍", traffic_light: "🚥", vertical_traffic_light: "🚦", warning: "⚠️", wave: "👋",
  white_check_mark: "✅", white_circle: "⚪", wrench: "🔧", x: "❌", zap: "⚡", zzz: "💤",
};

/** What icons/emoji.svg draws; other emoji are left to the fonts. */
const DRAWN = {
  "✅": "check", "❌": "cross", "⚠": "warning", "⛔": "no-entry", "🛑": "stop", "⏳": "hourglass", "⌛": "hourglass",
  "🔄": "turning", "❔": "question", "🚦": "lights", "⏭": "next", "⏪": "rewind", "⏸": "pause", "🔴": "red", "🟠": "orange",
  "🟡": "yellow", "🟢": "green", "🔵": "blue", "⚪": "white", "🔧": "wrench", "💥": "boom", "⏰": "alarm", "🔍": "glass",
  "🧪": "tube", "🚀": "rocket", "🚨": "siren", "🎉": "tada", "👍": "thumb", "💚": "heart",
};
const PICTURE = new RegExp(`(${Object.keys(DRAWN).join("|")})\\uFE0F?`, "u");

/** The text with its shortcodes and emoji, as nodes. */
export function withEmoji(text) {
  const named = text.replace(/:([a-z0-9_+-]+):/g, (typed, name) => NAMES[name] ?? typed);
  return named.split(PICTURE).map((part, at) => (at % 2 ? picture(part) : part));
}

/** The character stays in the text, for those who copy or listen. */
function picture(character) {
  return h("span", { class: "emoji" }, symbol("emoji", DRAWN[character]), h("span", {}, character));
}
