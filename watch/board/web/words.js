// Numbers and times as people read them; times in the viewer's own zone. Text from records is only ever text.

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const tenth = new Intl.NumberFormat("en-US", { maximumFractionDigits: 1, minimumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short" });
const zone = new Intl.DateTimeFormat("en-GB", { timeZoneName: "short" });

export const NONE = "–";

export const count = (value) =>
  value === null || value === undefined ? NONE : Math.abs(value) < 10 && value % 1 ? tenth.format(value) : whole.format(value);
export const decimal = (value) => (value === null || value === undefined ? NONE : (value < 100 ? tenth : whole).format(value));
export const percent = (value) =>
  value === null || value === undefined ? NONE : `${value > 0 ? "+" : value < 0 ? "−" : ""}${whole.format(Math.abs(value))} %`;
export const share = (value) => (value === null || value === undefined ? NONE : `${whole.format(100 * value)} %`);
export const millis = (minute) => minute * 60000;
export const time = (minute) => (minute === null || minute === undefined ? NONE : clock.format(millis(minute)));
export const date = (minute) => day.format(millis(minute));
export const zoneName = () =>
  zone.formatToParts(Date.now()).find((part) => part.type === "timeZoneName")?.value ?? "local time";
export const iso = (minute) => new Date(millis(minute)).toISOString();

export const long = (seconds) => {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
};

// A browser takes . and .. in a path for itself, encoded or not.
export const roomAddress = (room) =>
  room === "." || room === ".." ? `/room?id=${encodeURIComponent(room)}` : `/room/${encodeURIComponent(room)}`;

export const KINDS = {
  surge: { sign: "▲", name: "Surge" },
  slump: { sign: "▼", name: "Slump" },
  hotspot: { sign: "◆", name: "Hotspot" },
};
export const STATES = {
  open: "open",
  retracted: "retracted",
  recovered: "recovered",
  new_level: "new level",
  ended: "session ended",
  silent: "room silent",
};
