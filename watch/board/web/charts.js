// Options for ECharts. What a tooltip shows is built from text nodes: names in it may be anybody's text.

import { KINDS, count, millis, time } from "roompulse-board/words.js";

// Okabe and Ito's colours, told apart with any colour vision.
export const CHANNEL_COLOURS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#b8ac00", "#8a8a8a"];

const FONT = { fontFamily: "system-ui, sans-serif", fontSize: 12 };

const frame = (colours, first, last) => ({
  animation: false,
  textStyle: FONT,
  grid: { left: 8, right: 12, top: 26, bottom: 4, containLabel: true },
  xAxis: {
    type: "time",
    min: millis(first),
    max: millis(last),
    axisLabel: { ...FONT, color: colours.quiet, hideOverlap: true, formatter: (at) => time(at / 60000) },
    axisLine: { lineStyle: { color: colours.rule } },
    axisTick: { show: false },
    splitLine: { show: false },
  },
  yAxis: {
    type: "value",
    min: 0,
    splitNumber: 4,
    axisLabel: { ...FONT, color: colours.quiet, formatter: (value) => count(value) },
    splitLine: { lineStyle: { color: colours.rule } },
  },
});

const tooltip = (colours, rows) => ({
  trigger: "axis",
  confine: true,
  backgroundColor: colours.card,
  borderColor: colours.rule,
  textStyle: { ...FONT, color: colours.ink },
  axisPointer: { type: "line", lineStyle: { color: colours.quiet, type: "dotted" } },
  formatter: (shown) => {
    const minute = Math.round(shown[0].value[0] / 60000);
    const box = document.createElement("div");
    const line = (text) => box.appendChild(document.createElement("div")).append(text);
    line(time(minute));
    for (const [name, value] of rows(minute)) line(`${name} ${value}`);
    return box;
  },
});

const points = (values, first) => values.map((value, place) => [millis(first + place), value]);

// The area between two lines: the lower one unseen, the difference stacked on it.
const band = (name, low, high, first, style) => {
  const common = { type: "line", stack: name, symbol: "none", lineStyle: { opacity: 0 }, silent: true, stackStrategy: "all" };
  return [
    { ...common, name: `${name} low`, data: points(low, first) },
    { ...common, name, data: points(high.map((value, place) => (value === null ? null : value - low[place])), first), areaStyle: style },
  ];
};

const line = (name, values, first, style, more = {}) => ({
  name,
  type: "line",
  data: points(values, first),
  symbol: "none",
  silent: true,
  lineStyle: style,
  ...more,
});

export const roomChart = (room, colours) => {
  const [first, last] = room.minutes;
  const [low, median, high] = room.forecast;
  const next = room.fan.origin + 1;
  const joined = [room.came[room.fan.origin - first] ?? null, ...room.fan.median];
  const of = (values, from, minute) => values[minute - from] ?? null;
  return {
    ...frame(colours, first, Math.max(last, room.fan.origin) + 10),
    tooltip: tooltip(colours, (minute) => {
      const rows = [];
      const came = of(room.came, first, minute);
      if (minute <= last) rows.push(["came", came === null ? "not measured" : count(came)]);
      if (of(median, first, minute) !== null && minute <= last)
        rows.push([`forecast ${room.lead} min before`, `${count(of(median, first, minute))} (${count(of(low, first, minute))} to ${count(of(high, first, minute))})`]);
      if (minute >= next && minute < next + 10)
        rows.push([`forecast at ${time(room.fan.origin)}`, `${count(of(room.fan.median, next, minute))} (${count(of(room.fan.low, next, minute))} to ${count(of(room.fan.high, next, minute))})`]);
      return rows;
    }),
    series: [
      ...band("interval", low.slice(0, room.came.length), high.slice(0, room.came.length), first, { color: colours.forecast, opacity: 0.13 }),
      ...band("fan", room.fan.low, room.fan.high, next, { color: colours.forecast, opacity: 0.3 }),
      ...room.older.map((fan) => line(`made at ${fan.origin}`, fan.median, fan.origin + 1, { color: colours.forecast, width: 1, opacity: 0.55 })),
      line("forecast", median.slice(0, room.came.length), first, { color: colours.forecast, width: 1.3, type: [4, 3] }),
      line("fan median", joined, room.fan.origin, { color: colours.forecast, width: 2.4 }, {
        markLine: {
          symbol: "none",
          silent: true,
          label: { show: false },
          lineStyle: { color: colours.quiet, type: "dotted" },
          data: [{ xAxis: millis(room.fan.origin) }],
        },
      }),
      line("came", room.came, first, { color: colours.ink, width: 1.9 }, {
        silent: false,
        z: 4,
        markArea: { silent: true, data: room.alerts.filter((alert) => alert.until >= first && alert.opened <= last).map((alert) => bandOf(alert, room, colours)) },
      }),
    ],
  };
};

const bandOf = (alert, room, colours) => {
  const from = Math.max(alert.opened, room.minutes[0]);
  const until = alert.state === "open" ? room.minutes[1] : alert.until;
  return [
    {
      xAxis: millis(from) - 30000,
      name: KINDS[alert.kind]?.sign ?? "",
      itemStyle: { color: colours[alert.kind] ?? colours.quiet, opacity: alert.state === "retracted" ? 0.06 : 0.16 },
      label: { position: "top", distance: 3, color: colours[alert.kind] ?? colours.quiet, fontSize: 13 },
    },
    { xAxis: Math.max(millis(until), millis(from)) + 30000 },
  ];
};

export const channelChart = (room, colours) => {
  const [first, last] = room.minutes;
  return {
    ...frame(colours, first, last + 10),
    tooltip: tooltip(colours, (minute) =>
      room.channels
        .map((channel) => [`${channel.kind} ${channel.name}`, channel.counts[minute - first] ?? null])
        .filter(([, value]) => value)
        .map(([name, value]) => [name, count(value)]),
    ),
    series: room.channels.map((channel, place) => ({
      name: String(place),
      type: "bar",
      stack: "channels",
      barCategoryGap: "15%",
      data: points(channel.counts, first),
      itemStyle: {
        color: CHANNEL_COLOURS[place % CHANNEL_COLOURS.length],
        // Paid channels are hatched, so that the two sorts differ without their colours.
        decal: channel.kind === "paid" ? { symbol: "rect", color: "rgba(255,255,255,0.45)", dashArrayX: [1, 0], dashArrayY: [2, 3], rotation: -Math.PI / 4 } : null,
      },
    })),
  };
};
