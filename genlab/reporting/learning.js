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
    charts.forEach(({ title, split }, i) => chart.append(make("option", { value: i }, `${title} on ${split}`)));
    chart.value = board.data.chart;
    this.tools.hidden = false;
    this.tools.addEventListener("submit", (event) => event.preventDefault());
    chart.addEventListener("change", () => { this.render(); this.highlight(board.shown); });
    smoothing.addEventListener("input", () => {
      this.tools.querySelector("output").textContent = spoken(smoothing.value);
      this.shown[0].set({ smoothing: Number(smoothing.value) });
      this.highlight(board.shown);
    });
  }

  render() {
    const { data } = this.board;
    const specs = [data.charts[Number(this.select.value)], ...data.schedules];
    this.place.replaceChildren();
    this.shown = specs.map((spec, i) => this.chart(spec, i));
    this.shown.forEach((chart) => chart.render());
  }

  chart(spec, index) {
    const heading = spec.split ? `${spec.title} on ${spec.split}` : spec.title;
    const card = make("article", { class: "card chart tall" }, make("h3", {}, heading));
    this.place.append(card);
    card.classList.toggle("many", spec.series.length > MANY);
    const chart = new Chart(card, spec, index, Number(this.smoothing.value));
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
