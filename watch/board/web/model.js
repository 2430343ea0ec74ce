// Who makes the forecasts, what the model's card says, and how good it is here and now.

import { h } from "vue";
import { count, decimal, share } from "roompulse-board/words.js";
import { at, page, skillTable, waiting } from "roompulse-board/parts.js";

export default {
  props: ["view", "found"],
  emits: ["find"],
  render() {
    return page(this, "Model – RoomPulse", ({ model }) =>
      h("div", { class: "model" }, [
        h("h1", {}, model.models.length ? model.models[0].label : "No forecast yet"),
        h("div", { class: "columns even" }, [live(model), card(model)]),
      ]),
    );
  },
};

const live = (model) =>
  h("section", { class: "card", "aria-labelledby": "live" }, [
    h("div", { class: "title" }, [h("h2", { id: "live" }, "Live skill"), h("p", { class: "quiet" }, "all rooms, last hour")]),
    model.models.length ? skillTable(model.skill) : waiting("Skill shows once forecasts have been met."),
    h("p", { class: "explained" }, "Error: mean of |came − median| in people a minute. Naive: the last minute's count, repeated. Inside: share of counts within the 10–90 % interval; an honest one holds 80 %."),
    h("h3", {}, "Who made the forecasts"),
    h("table", { class: "plain" }, [
      h("caption", { class: "unseen" }, "Models by forecasts read"),
      h("thead", {}, h("tr", {}, [h("th", { scope: "col" }, "model"), h("th", { scope: "col", class: "number" }, "forecasts"), h("th", { scope: "col", class: "number" }, "last minute")])),
      h(
        "tbody",
        {},
        model.models.map((one) =>
          h("tr", { key: one.label }, [h("th", { scope: "row", class: "code" }, one.label), h("td", { class: "number" }, count(one.forecasts)), h("td", { class: "number" }, at(one.last))]),
        ),
      ),
    ]),
  ]);

const card = ({ models, card }) => {
  if (!card)
    return h("section", { class: "card", "aria-labelledby": "card" }, [
      h("div", { class: "title" }, h("h2", { id: "card" }, "Model card")),
      waiting(models.length ? "This model's bundle is not on the board's machine: --registry or --model names its folder." : "The card shows with the first forecast."),
    ]);
  const worst = Math.max(...card.rows.map((row) => row.error), 0);
  return h("section", { class: "card", "aria-labelledby": "card" }, [
    h("div", { class: "title" }, [h("h2", { id: "card" }, "Model card"), h("p", { class: "quiet" }, card.judged_by ? `on held-out rooms: ${card.judged_by}` : "")]),
    h("dl", { class: "facts" }, [
      ...fact("network", `${card.kind}, ${card.units} units, ring of ${card.window_minutes} minutes`),
      ...(card.horizons ? fact("mean absolute error", card.horizons.map(([name, error]) => `${name}: ${decimal(error)}`).join("   ")) : []),
      ...(card.coverage === null ? [] : fact("inside the 80 % interval", share(card.coverage))),
      ...fact("bundle", h("span", { class: "code" }, card.hash.slice(0, 16))),
    ]),
    card.rows.length
      ? h("table", { class: "plain bars" }, [
          h("caption", { class: "unseen" }, "Mean absolute error over all horizons against the baselines, smallest first"),
          h("thead", {}, h("tr", {}, [h("th", { scope: "col" }, "forecast"), h("th", { scope: "col", class: "number" }, "error"), h("td", {})])),
          h(
            "tbody",
            {},
            card.rows.map((row) =>
              h("tr", { key: row.name, class: { own: row.own } }, [
                h("th", { scope: "row" }, row.name.replaceAll("_", " ")),
                h("td", { class: "number" }, row.error.toFixed(2)),
                h("td", { class: "bar", "aria-hidden": "true" }, h("span", { style: { width: `${(100 * row.error) / worst}%` } })),
              ]),
            ),
          ),
        ])
      : waiting("The card has no figures on held-out rooms."),
  ]);
};

const fact = (name, value) => [h("dt", {}, name), h("dd", {}, value)];
