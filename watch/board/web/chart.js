// A canvas that ECharts draws on, anew whenever its data or the theme changes. A tooltip that is open stays.

import { h } from "vue";
import { echarts } from "nicegui-echart";

export default {
  props: ["data", "option", "label"],
  mounted() {
    this.chart = echarts.init(this.$refs.canvas, null, { renderer: "canvas" });
    this.draw = () => {
      this.drawn = JSON.stringify(this.data);
      this.chart.setOption(this.option(this.data, colours()), { replaceMerge: ["series"] });
    };
    this.watching = new ResizeObserver(() => this.chart.resize());
    this.watching.observe(this.$refs.canvas);
    addEventListener("roompulse-theme", this.draw);
    this.draw();
  },
  watch: {
    data() {
      // The page is renewed every second, what a chart shows every minute; drawing is what costs.
      if (JSON.stringify(this.data) !== this.drawn) this.draw();
    },
  },
  beforeUnmount() {
    removeEventListener("roompulse-theme", this.draw);
    this.watching.disconnect();
    this.chart.dispose();
  },
  render() {
    return h("div", { role: "img", "aria-label": this.label }, h("div", { ref: "canvas", class: "canvas" }));
  },
};

const NAMES = ["ink", "quiet", "rule", "card", "forecast", "surge", "slump", "hotspot"];

const colours = () => {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
};
