// Learning curves: one logged value at a time, a line for each group of seeds.

class Learning {
  constructor(board, section) {
    this.board = board;
    this.place = section.querySelector(".charts");
    this.tools = section.querySelector(".tools");
    const { chart, smoothing } = this.tools.elements;
    this.select = chart;
    this.smoothing = smoothing;
    const { charts } = board.data;
    charts.forEach(({ title, split }, i) => chart.append(make("option", { value: i }, `${title} · ${split}`)));
    chart.value = this.first();
    this.tools.hidden = false;
    section.querySelector("#no-curves").hidden = true;
    section.querySelector("#bands").hidden = !charts.some(({ series }) => series.some((s) => s.low.length));
    this.tools.addEventListener("submit", (event) => event.preventDefault());
    chart.addEventListener("change", () => { this.render(); this.highlight(board.shown); });
    smoothing.addEventListener("input", () => {
      this.tools.querySelector("output").textContent = Number(smoothing.value).toFixed(2);
      this.shown[0].set({ smoothing: Number(smoothing.value) });
      this.highlight(board.shown);
    });
  }

  // The chosen value itself where it is logged, a loss otherwise.
  first() {
    const { charts, values, value } = this.board.data;
    const wanted = value === null ? "" : values[value].name.replaceAll("_", " ");
    const tests = [
      ({ title, split }) => `${title} on ${split}` === wanted,
      ({ title }) => title === wanted,
      ({ title }) => wanted && title.endsWith(`/${wanted}`),
      ({ title }) => title.endsWith("loss"),
      () => true,
    ];
    const test = tests.find((test) => charts.some(test));
    return charts.findIndex(test);
  }

  render() {
    const { data } = this.board;
    const specs = [data.charts[Number(this.select.value)], ...data.schedules];
    this.place.replaceChildren();
    this.shown = specs.map((spec, i) => this.chart(spec, i));
    this.shown.forEach((chart) => chart.render());
  }

  chart(spec, index) {
    const card = make("article", { class: "card chart tall" }, make("h3", {}, spec.title));
    this.place.append(card);
    const many = spec.series.length > COLORS;
    card.classList.toggle("many", many);
    // Many lines cannot have a color each: theirs says how far their trials came.
    const series = spec.series.map((s) => (many ? { ...s, color: this.board.color(s.trials) } : s));
    const chart = new Chart(card, { ...spec, series }, index, Number(this.smoothing.value));
    for (const s of chart.series) {
      s.button.addEventListener("pointerenter", () => this.board.point(s.trials));
      s.button.addEventListener("pointerleave", () => this.board.point(null));
      s.button.addEventListener("focus", () => this.board.point(s.trials));
      s.button.addEventListener("blur", () => this.board.point(null));
    }
    return chart;
  }

  highlight(trials) {
    for (const chart of this.shown) {
      chart.emphasize(trials.length ? (s) => s.trials.some((trial) => trials.includes(trial)) : null);
    }
  }
}
