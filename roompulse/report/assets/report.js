"use strict";
(() => {
  const pointer = window.matchMedia("(hover: hover)").matches;
  const config = {displaylogo: false, displayModeBar: pointer ? "hover" : false, responsive: true,
    modeBarButtonsToRemove: ["select2d", "lasso2d"]};
  const read = (plot, name) => {
    const found = plot.querySelector(`script.${name}`);
    return found ? JSON.parse(found.textContent) : null;
  };

  // A forecast's ten minutes are drawn where the pointer is: the last three traces of such a plot are kept for it.
  const fan = (plot, more) => {
    const first = plot.data.length - 3;
    const at = new Map(more.origin.map((origin, row) => [origin, row]));
    const show = (index) => {
      const row = at.get(index);
      if (row === undefined) return;
      const x = more.x.slice(index, index + 11);
      const from = (values) => [more.actual[index], ...values[row]].slice(0, x.length);
      const [low, middle, high] = more.fan.map(from);
      Plotly.restyle(plot, {x: [x, x, x], y: [low, high, middle]}, [first, first + 1, first + 2]);
    };
    plot.on("plotly_hover", (event) => {
      const point = event.points.find((one) => one.curveNumber === more.trace);
      if (point) show(point.pointNumber);
    });
    plot.on("plotly_unhover", () => {
      Plotly.restyle(plot, {x: [[], [], []], y: [[], [], []]}, [first, first + 1, first + 2]);
    });
  };

  const draw = (plot) => {
    if (plot.dataset.drawn) return;
    plot.dataset.drawn = "yes";
    const given = read(plot, "figure"), more = read(plot, "more");
    plot.replaceChildren();
    Plotly.newPlot(plot, given.data, given.layout, config).then(() => { if (more) fan(plot, more); });
  };
  const drawSeen = () => document.querySelectorAll(".plot").forEach((plot) => {
    if (!plot.closest("[hidden]")) draw(plot);
  });

  document.querySelectorAll(".choice").forEach((choice) => {
    const select = choice.querySelector("select"), panels = [...choice.querySelectorAll(".panel")];
    const show = (at) => {
      select.value = String(at);
      panels.forEach((panel, number) => { panel.hidden = number !== at; });
      drawSeen();
    };
    select.addEventListener("change", () => show(Number(select.value)));
    choice.querySelectorAll(".controls button").forEach((button) => button.addEventListener("click", () => {
      show((Number(select.value) + Number(button.value) + panels.length) % panels.length);
    }));
  });

  document.querySelectorAll("th button").forEach((button) => button.addEventListener("click", () => {
    const head = button.closest("th"), body = head.closest("table").tBodies[0];
    const column = [...head.parentNode.children].indexOf(head);
    const up = head.getAttribute("aria-sort") !== "ascending";
    [...head.parentNode.children].forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const key = (row) => {
      const cell = row.cells[column], given = cell.dataset.order ?? cell.textContent.replace(/[,%\u00a0 ]/g, "");
      return given !== "" && Number.isFinite(Number(given)) ? Number(given) : given;
    };
    const less = (a, b) => typeof a === typeof b ? (a < b ? -1 : a > b ? 1 : 0) : typeof a === "number" ? -1 : 1;
    body.append(...[...body.rows].sort((a, b) => (up ? 1 : -1) * less(key(a), key(b))));
  }));

  const narrow = () => {
    drawSeen();
    document.querySelectorAll(".plot[data-drawn]").forEach((plot) => {
      if (plot.layout) Plotly.relayout(plot, {width: Math.min(plot.clientWidth || 680, 680)});
    });
  };
  window.addEventListener("beforeprint", narrow);
  window.addEventListener("afterprint", () => document.querySelectorAll(".plot[data-drawn]").forEach((plot) => {
    if (plot.layout) Plotly.relayout(plot, {width: null, autosize: true});
  }));
  drawSeen();
})();
