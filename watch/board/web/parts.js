// What all pages have: head, warnings, signs and sparklines. Everything is drawn with h(), which escapes text.

import { h } from "vue";
import { KINDS, date, decimal, iso, long, roomAddress, time, zoneName } from "roompulse-board/words.js";

const PAGES = [
  ["/", "Board"],
  ["/model", "Model"],
];

export const sign = (kind) =>
  kind in KINDS
    ? h("span", { class: ["sign", kind], title: KINDS[kind].name }, [
        h("span", { "aria-hidden": "true" }, KINDS[kind].sign),
        h("span", { class: "unseen" }, `${KINDS[kind].name}:`),
      ])
    : h("span", { class: "sign", "aria-hidden": "true" }, "");

export const kindName = (kind) => KINDS[kind]?.name ?? kind;
export const at = (minute) => (minute === null || minute === undefined ? null : h("time", { datetime: iso(minute) }, time(minute)));
export const room = (name, attributes = {}) => h("a", { href: roomAddress(name), dir: "auto", ...attributes }, name);
export const driver = (found) =>
  found
    ? h("span", { class: "driver" }, [h("span", { class: ["tag", found[0]] }, found[0]), " ", h("span", { dir: "auto" }, found[1])])
    : h("span", { class: "quiet" }, "–");

export const page = (component, title, content) => {
  const { view, found } = component.$props;
  document.title = title;
  return h("div", { class: "frame" }, [
    h("a", { class: "skip", href: "#content" }, "Skip to the content"),
    head(component, view, found ?? []),
    h("main", { id: "content", tabindex: "-1" }, view ? [...warnings(view.pulse), content(view)] : [waiting("Connecting")]),
    h("footer", {}, ["Times in ", zoneName(), ". RoomPulse reads the topics here and writes nothing."]),
  ]);
};

const head = (component, view, found) =>
  h("header", { class: "head" }, [
    h("a", { class: "brand", href: "/" }, [h("img", { src: "/assets/favicon.svg", alt: "", width: 22, height: 22 }), "RoomPulse"]),
    h(
      "nav",
      { "aria-label": "Pages" },
      PAGES.map(([address, name]) =>
        h("a", { href: address, "aria-current": location.pathname === address ? "page" : undefined }, name),
      ),
    ),
    view ? standing(view.pulse) : null,
    h("form", { role: "search", class: "find", onSubmit: (event) => go(event, found) }, [
      h("input", {
        type: "search",
        "aria-label": "Find a room",
        placeholder: "Find a room",
        list: "rooms",
        autocomplete: "off",
        maxlength: 200,
        onInput: (event) => component.$emit("find", event.target.value),
      }),
      h("datalist", { id: "rooms" }, found.map((name) => h("option", { key: name, value: name }))),
    ]),
    h(
      "button",
      { class: "theme", type: "button", title: "Dark or light", "aria-label": "Dark or light", onClick: () => roompulseToggleTheme() },
      h("span", { "aria-hidden": "true" }, "◐"),
    ),
  ]);

const go = (event, found) => {
  event.preventDefault();
  const typed = event.target.querySelector("input").value.trim();
  if (typed) location.assign(roomAddress(found.includes(typed) || !found.length ? typed : found[0]));
};

const standing = (pulse) => {
  const [state, words] = pulse.trouble
    ? ["bad", "no connection"]
    : pulse.silent_s !== null
      ? ["bad", "stopped"]
      : pulse.catching_up
        ? ["wait", "reading what was before"]
        : pulse.minute === null
          ? ["wait", "waiting for the first minute"]
          : ["good", "live"];
  return h("p", { class: ["standing", state] }, [
    h("span", { class: "dot", "aria-hidden": "true" }),
    words,
    pulse.minute === null ? null : [" ", h("span", { class: "quiet" }, date(pulse.minute)), " ", h("b", {}, at(pulse.minute))],
  ]);
};

const warnings = (pulse) => {
  const last = pulse.minute === null ? "" : ` The last minute is ${time(pulse.minute)}.`;
  const found = [];
  if (pulse.trouble) found.push(["bad", `The board has lost Kafka and keeps trying.${last} ${pulse.trouble}`]);
  else if (pulse.silent_s !== null) found.push(["bad", `No records for ${long(pulse.silent_s)}.${last}`]);
  for (const fleet of pulse.fleet) found.push([fleet.direction === "up" ? "surge" : "slump", fleet.text]);
  if (pulse.overflowing)
    found.push(["wait", "There are more rooms than the board follows one by one: the hot list and the alerts are whole, some rooms have no page."]);
  return [
    h(
      "div",
      { class: "notices", role: "status" },
      found.map(([kind, text], place) => h("p", { key: place, class: ["notice", kind] }, text)),
    ),
  ];
};

export const waiting = (text) => h("p", { class: "empty" }, text);

export const figure = (name, value, unit, note) =>
  h("div", { class: "figure" }, [
    h("dt", {}, name),
    h("dd", {}, [h("b", {}, value), unit ? h("span", { class: "unit" }, ` ${unit}`) : null, note ? h("span", { class: "note" }, note) : null]),
  ]);

const WIDTH = 168;
const HEIGHT = 30;

// What came, a line; then, behind the divider, the interval and the median of the next ten minutes.
export const sparkline = (past, [low, median, high]) => {
  const top = Math.max(1, ...[...past, ...high].filter((value) => value !== null));
  const steps = past.length + median.length - 1;
  const x = (place) => ((place / steps) * (WIDTH - 4) + 2).toFixed(1);
  const y = (value) => (HEIGHT - 3 - (value / top) * (HEIGHT - 6)).toFixed(1);
  const line = (values, first) => {
    let open = false;
    return values
      .map((value, place) => {
        if (value === null) {
          open = false;
          return "";
        }
        const command = open ? "L" : "M";
        open = true;
        return `${command}${x(first + place)} ${y(value)}${command === "M" && (values[place + 1] ?? null) === null ? "h.01" : ""}`;
      })
      .join("");
  };
  const known = median.every((value) => value !== null);
  const newest = past.at(-1);
  const band = known
    ? `M${high.map((value, place) => `${x(past.length + place)} ${y(value)}`).join("L")}L${[...low]
        .reverse()
        .map((value, place) => `${x(past.length + low.length - 1 - place)} ${y(value)}`)
        .join("L")}Z`
    : "";
  return h("svg", { class: "spark", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, "aria-hidden": "true" }, [
    h("path", { class: "band", d: band }),
    h("path", { class: "next", d: known ? line(median, past.length) : "" }),
    h("path", { class: "past", d: line(past, 0) }),
    newest === null || newest === undefined ? null : h("circle", { class: "now", cx: x(past.length - 1), cy: y(newest), r: 2.2 }),
  ]);
};

export const skillTable = (rows) =>
  h("table", { class: "plain" }, [
    h("caption", { class: "unseen" }, "How good the forecasts of the last hour were"),
    h("thead", {}, h("tr", {}, ["ahead", "judged", "error", "naive error", "better by", "inside 80 %"].map((name, place) => h("th", { scope: "col", class: place ? "number" : "" }, name)))),
    h(
      "tbody",
      {},
      rows.map((row) =>
        h("tr", { key: row.horizon }, [
          h("th", { scope: "row" }, `+${row.horizon} min`),
          h("td", { class: "number" }, row.judged.toLocaleString("en-US")),
          h("td", { class: "number" }, row.error === null ? "–" : decimal(row.error)),
          h("td", { class: "number" }, row.naive === null ? "–" : decimal(row.naive)),
          h("td", { class: "number" }, better(row)),
          h("td", { class: "number" }, row.inside === null ? "–" : `${Math.round(100 * row.inside)} %`),
        ]),
      ),
    ),
  ]);

export const better = (row) => {
  if (!row || row.error === null || !row.naive) return "–";
  const gain = Math.round(100 * (1 - row.error / row.naive));
  return `${gain < 0 ? "−" : ""}${Math.abs(gain)} %`;
};
