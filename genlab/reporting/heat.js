// The chosen value over a grid of two knobs, a mean over the seeds in each cell.

class Heat {
  constructor(board, card) {
    this.board = board;
    card.hidden = false;
    this.table = make("table", { class: "heat" });
    this.note = make("p", { class: "note" });
    card.append(make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Map" }, this.table), this.note);
    savable(card, "map");
  }

  word({ knob, places }, i) {
    const { kind, levels } = this.board.data.knobs[knob];
    return kind === "category" ? levels[places[i]] : short(places[i]);
  }

  cell(x, y, i, j) {
    const { data } = this.board;
    const members = data.trials.flatMap((trial, index) =>
      trial.knobs[x.knob] === x.places[i] && trial.knobs[y.knob] === y.places[j] ? [index] : []);
    const values = members.map((trial) => this.board.number(trial)).filter((value) => value !== null);
    const mean = values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : null;
    return { members, mean, count: values.length };
  }

  render() {
    const { board } = this, { data } = board, { x, y } = data.heat;
    const [across, up] = [x, y].map(({ knob }) => data.knobs[knob].label);
    const cells = y.places.map((_, j) => x.places.map((_, i) => this.cell(x, y, i, j)));
    const kind = board.value === null ? "linear" : data.values[board.value].kind;
    const axis = makeAxis({ kind }, cells.flat().map((cell) => cell.mean));
    this.cells = [];
    const head = make("tr", {}, make("th", { class: "corner" }, `↓\u00a0${up}`, make("br"), `→\u00a0${across}`));
    x.places.forEach((_, i) => head.append(make("th", { scope: "col" }, this.word(x, i))));
    const rows = cells.map((row, j) => {
      const line = make("tr", {}, make("th", { scope: "row" }, this.word(y, j)));
      for (const { members, mean, count } of row) line.append(this.draw(axis, members, mean, count));
      return line;
    });
    this.table.replaceChildren(
      make("caption", {}, board.name), make("thead", {}, head), make("tbody", {}, ...rows.reverse()));
    const best = board.maximize ? "larger" : "smaller";
    const seeds = cells.flat().some(({ members }) => members.length > 1);
    this.note.textContent = `Fuller color: ${best}.${seeds ? " Means over the trials that share a cell, n of them finished." : ""}`;
  }

  draw(axis, members, mean, count) {
    const share = mean === null ? null : axis.place(mean);
    const cell = make("td", {}, mean === null ? "–" : short(mean));
    if (members.length > 1) cell.append(make("small", {}, ` n = ${count}`));
    if (share !== null) {
      const full = this.board.maximize ? share : 1 - share;
      cell.style.background = `color-mix(in oklab, var(--accent) ${(4 + 46 * full).toFixed(0)}%, var(--card))`;
    }
    cell.addEventListener("pointerenter", () => this.board.point(members));
    cell.addEventListener("pointerleave", () => this.board.point(null));
    this.cells.push([cell, members]);
    return cell;
  }

  highlight(trials) {
    for (const [cell, members] of this.cells) {
      cell.classList.toggle("shown", trials.length > 0 && trials.every((trial) => members.includes(trial)));
    }
  }
}
