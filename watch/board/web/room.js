// One room: what came, what was forecast of it, the fan, the alerts, the channels.

import { h } from "vue";
import { STATES, count, iso, long, percent, time } from "roompulse-board/words.js";
import { at, figure, kindName, page, sign, skillTable, waiting } from "roompulse-board/parts.js";
import { CHANNEL_COLOURS, channelChart, roomChart } from "roompulse-board/charts.js";
import chart from "roompulse-board/chart.js";

export default {
  props: ["view", "found"],
  emits: ["find", "choose"],
  data: () => ({ lead: 1 }),
  methods: {
    choose(change) {
      const now = { origin: this.view.room.origin, lead: this.view.room.lead };
      this.$emit("choose", { ...now, ...change });
    },
  },
  render() {
    const name = this.view?.room?.room;
    return page(this, `${name ?? "Room"} – RoomPulse`, ({ room, pulse }) =>
      h("div", { class: "room" }, [
        h("p", { class: "crumbs" }, [h("a", { href: "/" }, "Board"), " / room"]),
        h("div", { class: "title" }, [
          h("h1", { dir: "auto" }, room.room || "no room"),
          room.category ? h("span", { class: "category", dir: "auto" }, room.category) : null,
        ]),
        room.last === undefined ? unknown(room, pulse) : content(this, room, pulse),
      ]),
    );
  },
};

const unknown = (room, pulse) =>
  h("section", { class: "card" }, [
    waiting(
      room.known
        ? "This room has sent minutes, and has no forecast yet."
        : pulse.catching_up
          ? "Reading the history."
          : "Nobody has sent this room since the board began to read (--history says how far back).",
    ),
  ]);

const content = (component, room, pulse) => [
  figures(room, pulse),
  h("section", { class: "card", "aria-labelledby": "course" }, [
    h("div", { class: "title" }, [h("h2", { id: "course" }, "People entering a minute"), legend()]),
    h(chart, { class: "chart", label: told(room), data: room, option: roomChart }),
    controls(component, room),
  ]),
  h("div", { class: "columns even" }, [alerts(room), skill(room)]),
  channels(room),
  minutes(room),
];

const figures = (room) => {
  const came = room.came.at(-1);
  const place = room.came.length - 1;
  const [low, median, high] = room.forecast.map((part) => part[place]);
  const fan = room.newest;
  const open = room.alerts.filter((alert) => alert.state === "open");
  const between = (from, to) => (from === null || from === undefined ? "" : `${count(from)} to ${count(to)}`);
  return h("dl", { class: "figures" }, [
    figure(["Came at ", at(room.last)], count(came), "", room.live ? "" : "the room is silent now"),
    figure("Expected", count(median), "", between(low, high)),
    figure("Next minute", count(fan.median[0]), "", between(fan.low[0], fan.high[0])),
    figure("In ten minutes", count(fan.median.at(-1)), "", between(fan.low.at(-1), fan.high.at(-1))),
    h("div", { class: "figure wide" }, [
      h("dt", {}, "Open alerts"),
      h("dd", {}, open.length ? open.map((alert) => h("span", { key: alert.id, class: "openalert" }, [sign(alert.kind), ` ${kindName(alert.kind)} since `, at(alert.opened)])) : h("span", { class: "quiet" }, "none")),
    ]),
  ]);
};

const legend = () =>
  h("ul", { class: "legend" }, [
    h("li", {}, [h("span", { class: "key line" }), "came"]),
    h("li", {}, [h("span", { class: "key dashed" }), "forecast of then, 10–90 %"]),
    h("li", {}, [h("span", { class: "key fan" }), "next ten minutes"]),
    h("li", {}, [h("span", { class: "key faint" }), "older fans"]),
  ]);

const told = (room) => {
  const last = room.came.at(-1);
  const open = room.alerts.filter((alert) => alert.state === "open").map((alert) => kindName(alert.kind));
  return (
    `Chart of people entering ${room.room} a minute, ${time(room.minutes[0])} to ${time(room.minutes[1])}: ` +
    `${last === null ? "not measured" : count(last)} in the last minute, ${count(room.fan.median[0])} forecast for the one after ${time(room.fan.origin)}; ` +
    `${open.length ? `open: ${open.join(", ")}` : "no alert is open"}. The table below has the numbers.`
  );
};

const controls = (component, room) => {
  const newest = room.origins.length - 1;
  const place = room.origin === null ? newest : room.origins.indexOf(room.origin);
  return h("div", { class: "controls" }, [
    h("label", {}, [
      "Forecast made after ",
      h("b", { class: "tabular" }, [at(room.fan.origin), room.origin === null ? " (newest)" : ""]),
      h("input", {
        type: "range",
        min: 0,
        max: newest,
        value: place,
        "aria-valuetext": time(room.fan.origin),
        onInput: (event) => {
          const chosen = Number(event.target.value);
          component.choose({ origin: chosen === newest ? null : room.origins[chosen] });
        },
      }),
    ]),
    h("button", { type: "button", class: "chip", disabled: room.origin === null, onClick: () => component.choose({ origin: null }) }, "Newest"),
    h("label", {}, [
      "Held against what came: forecasts made ",
      h(
        "select",
        { value: room.lead, onChange: (event) => component.choose({ lead: Number(event.target.value) }) },
        room.leads.map((lead) => h("option", { value: lead, selected: lead === room.lead }, lead === 1 ? "1 minute before" : `${lead} minutes before`)),
      ),
    ]),
  ]);
};

const alerts = (room) =>
  h("section", { class: "card", "aria-labelledby": "alerts" }, [
    h("div", { class: "title" }, [h("h2", { id: "alerts" }, "Alerts of this room"), h("p", { class: "quiet" }, count(room.alerts.length))]),
    room.alerts.length
      ? h(
          "ol",
          { class: "feed" },
          room.alerts.map((alert) =>
            h("li", { key: alert.id, class: ["alert", alert.kind, { over: alert.state !== "open" }] }, [
              h("div", { class: "line" }, [
                sign(alert.kind),
                h("span", { class: "name" }, [kindName(alert.kind), " ", h("span", { class: "state" }, STATES[alert.state] ?? alert.state)]),
                alert.severity === "info" ? null : h("span", { class: ["severity", alert.severity] }, alert.severity),
                h("span", { class: "tabular" }, percent(alert.peak_percent)),
                h("span", { class: "when" }, [at(alert.opened), alert.state === "open" ? null : ["–", at(alert.until)]]),
              ]),
              h("p", { class: "text", dir: "auto" }, alert.text),
            ]),
          ),
        )
      : waiting("No alert in this room."),
    room.alerts.length ? h("p", { class: "explained" }, "Times within the sentences are on the room's own clock.") : null,
  ]);

const skill = (room) =>
  h("section", { class: "card", "aria-labelledby": "skill" }, [
    h("div", { class: "title" }, [h("h2", { id: "skill" }, "Forecasts of the last hour, judged")]),
    skillTable(room.skill),
    h("p", { class: "explained" }, "Error: mean of |came − median| in people a minute. Naive: the last minute's count, repeated."),
    h("p", { class: "explained" }, [
      "No topic tells whether the gate serves this room the plain mean, nor how its intervals are calibrated, and the board does not ask Redis: ",
      h("code", {}, "roompulse room"),
      " does.",
    ]),
  ]);

const channels = (room) =>
  room.channels.length
    ? h("section", { class: "card", "aria-labelledby": "channels" }, [
        h("div", { class: "title" }, [h("h2", { id: "channels" }, "Through which channels")]),
        h(chart, { class: "chart low", label: "Stacked bars of people by channel and minute; the list has the totals.", data: room, option: channelChart }),
        h(
          "ul",
          { class: "legend wrap" },
          room.channels.map((channel, place) =>
            h("li", { key: `${channel.kind} ${channel.name}` }, [
              h("span", { class: ["key", "box", channel.kind], style: { "--colour": CHANNEL_COLOURS[place % CHANNEL_COLOURS.length] } }),
              channel.kind === "other" ? null : [h("span", { class: ["tag", channel.kind] }, channel.kind), " "],
              h("span", { dir: "auto" }, channel.name),
              " ",
              h("span", { class: "tabular quiet" }, count(channel.total)),
            ]),
          ),
        ),
      ])
    : null;

const minutes = (room) => {
  const rows = room.came.map((came, place) => ({ minute: room.minutes[0] + place, came, place })).slice(-30).reverse();
  return h("details", { class: "card" }, [
    h("summary", {}, "The last 30 minutes as a table"),
    h("table", { class: "plain" }, [
      h("caption", { class: "unseen" }, "Minute by minute"),
      h("thead", {}, h("tr", {}, ["minute", "came", "forecast", "10 %", "90 %"].map((name, place) => h("th", { scope: "col", class: place ? "number" : "" }, name)))),
      h(
        "tbody",
        {},
        rows.map(({ minute, came, place }) =>
          h("tr", { key: minute }, [
            h("th", { scope: "row" }, at(minute)),
            h("td", { class: "number" }, count(came)),
            h("td", { class: "number" }, count(room.forecast[1][place])),
            h("td", { class: "number" }, count(room.forecast[0][place])),
            h("td", { class: "number" }, count(room.forecast[2][place])),
          ]),
        ),
      ),
    ]),
  ]);
};
