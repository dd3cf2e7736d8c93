// The chosen value of each trial in the order in which they finished, and the best until then.

class Progress {
  constructor(board, card) {
    this.board = board;
    this.card = card;
    this.empty = [...card.children].filter((child) => child.matches("h3"));
  }

  spec() {
    const { board } = this, best = board.maximize ? Math.max : Math.min;
    const ended = board.data.finished.filter((trial) => board.number(trial) !== null);
    const values = ended.map((trial) => board.number(trial));
    const steps = values.map((_, i) => i + 1), common = { split: "", steps, broken: [] };
    const line = values.map((_, i) => best(...values.slice(0, i + 1)));
    const series = [
      { ...common, name: "best so far", color: "var(--ink)", stepped: true, values: line },
      { ...common, name: "each trial", color: "var(--soft)", colors: ended.map((trial) => board.color(trial)), values },
    ];
    return { title: "best so far", log: false, x: "finished trials", y: board.value === null ? "" : board.data.values[board.value].axis, series };
  }

  render() {
    this.card.replaceChildren(...this.empty);
    this.chart = new Chart(this.card, this.spec(), "progress", 0);
    this.chart.render();
  }
}
