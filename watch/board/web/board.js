// The first page: how much there is, the hottest rooms, the feed of alerts.

import { h } from "vue";
import { KINDS, STATES, count, decimal, percent, share } from "roompulse-board/words.js";
import { at, better, driver, figure, page, room, sign, sparkline, waiting } from "roompulse-board/parts.js";

export default {
  props: ["view", "found"],
  emits: ["find", "wanted"],
  data: () => ({ kinds: [], only_open: false, words: "" }),
  methods: {
    want(change) {
      Object.assign(this, change);
      clearTimeout(this.asking);
      this.asking = setTimeout(() => {
        this.$emit("wanted", { kinds: [...this.kinds], only_open: this.only_open, words: this.words });
      }, 150);
    },
  },
  render() {
    return page(this, "RoomPulse", (view) =>
      h("div", { class: "board" }, [
        h("h1", { class: "unseen" }, "Rooms and alerts now"),
        figures(view),
        h("div", { class: "columns" }, [hot(view), feed(this, view.feed)]),
      ]),
    );
  },
};

const figures = ({ pulse, skill }) => {
  const open = Object.values(pulse.open).reduce((sum, number) => sum + number, 0);
  const [next] = skill;
  return h("dl", { class: "figures" }, [
    figure("Rooms live", count(pulse.rooms)),
    figure("Events", decimal(pulse.events_per_second), "/s"),
    figure("Delay", pulse.delay_s === null ? "–" : pulse.delay_s.toFixed(2), pulse.delay_s === null ? "" : "s", "event to forecast, median"),
    figure("Better than naive", better(next), "", next.inside === null ? "the next minute's error" : `80 % interval held ${share(next.inside)}`),
    h("div", { class: "figure wide" }, [
      h("dt", {}, "Open alerts"),
      h("dd", {}, [
        h("b", {}, count(open)),
        h(
          "span",
          { class: "kinds" },
          Object.keys(KINDS).map((kind) => h("span", { key: kind }, [sign(kind), " ", h("span", { class: "tabular" }, pulse.open[kind])])),
        ),
      ]),
    ]),
  ]);
};

const hot = ({ hot, pulse }) =>
  h("section", { class: "card", "aria-labelledby": "hot" }, [
    h("div", { class: "title" }, [
      h("h2", { id: "hot" }, "Hot rooms"),
      h("p", { class: "quiet" }, hot.minute === null ? "" : ["furthest above their forecast at ", at(hot.minute)]),
    ]),
    hot.rooms.length
      ? h("table", { class: "hot" }, [
          h("caption", { class: "unseen" }, "Rooms furthest above their forecast, hottest first"),
          h("thead", {}, [
            h("tr", {}, [
              h("th", { scope: "col" }, "Room"),
              h("th", { scope: "col", class: "trend" }, "40 minutes, next 10"),
              h("th", { scope: "col", class: "number" }, "Came"),
              h("th", { scope: "col", class: "number" }, "Expected"),
              h("th", { scope: "col", class: "number" }, "Deviation"),
              h("th", { scope: "col", class: "by" }, "Driver"),
            ]),
          ]),
          h("tbody", {}, hot.rooms.map(hotRow)),
        ])
      : waiting(
          pulse.minute === null
            ? "Nothing has been read yet. Hot rooms show once the first minute is over."
            : "No room is above its forecast.",
        ),
  ]);

const hotRow = (row) =>
  h("tr", { key: row.room, class: ["linked", row.kind] }, [
    h("th", { scope: "row" }, [
      h("span", { class: "who" }, [
        sign(row.kind),
        h("span", { class: "name" }, [room(row.room), row.category ? h("span", { class: "category", dir: "auto" }, row.category) : null]),
      ]),
    ]),
    h("td", { class: "trend" }, sparkline(row.spark, row.fan)),
    h("td", { class: "number came", "data-label": "came" }, count(row.actual)),
    h("td", { class: "number", "data-label": "expected" }, count(row.expected)),
    h("td", { class: "number", "data-label": "deviation" }, percent(row.percent)),
    h("td", { class: "by" }, driver(row.driver)),
  ]);

const feed = (component, feed) =>
  h("section", { class: "card", "aria-labelledby": "feed" }, [
    h("div", { class: "title" }, [
      h("h2", { id: "feed" }, "Alerts"),
      h("p", { class: "quiet", "aria-live": "polite" }, feed.total > feed.alerts.length ? `the newest ${feed.alerts.length} of ${count(feed.total)}` : `${count(feed.total)}`),
    ]),
    filters(component),
    feed.alerts.length
      ? h("ol", { class: "feed" }, feed.alerts.map(entry))
      : waiting(component.kinds.length || component.only_open || component.words ? "No alert fits." : "No alert so far."),
  ]);

const filters = (component) =>
  h("div", { class: "filters", role: "group", "aria-label": "Which alerts" }, [
    ...Object.entries(KINDS).map(([kind, { name }]) => {
      const pressed = component.kinds.includes(kind);
      return h(
        "button",
        {
          type: "button",
          class: "chip",
          "aria-pressed": String(pressed),
          onClick: () => component.want({ kinds: pressed ? component.kinds.filter((one) => one !== kind) : [...component.kinds, kind] }),
        },
        [h("span", { class: ["sign", kind], "aria-hidden": "true" }, KINDS[kind].sign), ` ${name}`],
      );
    }),
    h("button", { type: "button", class: "chip", "aria-pressed": String(component.only_open), onClick: () => component.want({ only_open: !component.only_open }) }, "Open"),
    h("input", {
      type: "search",
      "aria-label": "Search alerts",
      placeholder: "Search alerts",
      value: component.words,
      maxlength: 200,
      onInput: (event) => component.want({ words: event.target.value }),
    }),
  ]);

export const entry = (alert) =>
  h("li", { key: alert.id, class: ["alert", alert.kind, { over: alert.state !== "open" }], "data-alert": alert.id }, [
    h("div", { class: "line" }, [
      sign(alert.kind),
      h("span", { class: "name" }, room(alert.room)),
      alert.severity === "info" ? null : h("span", { class: ["severity", alert.severity] }, alert.severity),
      h("span", { class: "when" }, [at(alert.opened), alert.state === "open" ? null : ["–", at(alert.until)]]),
    ]),
    h("p", { class: "said", title: alert.text }, [
      alert.state === "open" ? null : h("span", { class: "state" }, `${STATES[alert.state] ?? alert.state}, `),
      alert.peak_percent === null ? null : [alert.state === "open" ? null : "peak ", h("b", {}, percent(alert.peak_percent)), alert.state === "open" ? " " : ", "],
      alert.expected === null ? null : `${alert.state === "open" ? "" : "last "}${count(alert.actual)} came, ${count(alert.expected)} expected `,
      alert.drivers.length ? driverOf(alert) : null,
    ]),
  ]);

const driverOf = (alert) => {
  const [name] = alert.drivers[0];
  const [kind, ...rest] = name.split(" ");
  return kind === "natural" || kind === "paid" ? driver([kind, rest.join(" ")]) : h("span", { class: "quiet" }, name);
};
