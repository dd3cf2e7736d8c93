// What all pictures of a sweep's page share: the value looked at, its order, the trial pointed at.

class Board {
  constructor(data) {
    this.data = data;
    this.value = data.value;
    this.maximize = data.maximize;
    this.views = []; // each has render(), and highlight(trials) where it can
    this.at = null;
    this.pinned = null;
    this.rank();
  }

  number(trial) {
    return this.value === null ? null : this.data.trials[trial].values[this.value];
  }

  rank() {
    const sign = this.maximize ? -1 : 1;
    const known = (trial) => this.number(trial) !== null;
    this.order = this.data.trials.map((_, trial) => trial).sort((a, b) =>
      known(a) && known(b) ? sign * (this.number(a) - this.number(b)) || a - b : known(b) - known(a) || a - b);
  }

  // The color of a trial, in all pictures; trials that differ in their seed alone share it.
  color(trial) {
    return this.data.trials[trial].color;
  }

  get name() {
    return this.value === null ? "" : this.data.values[this.value].label;
  }

  // The numbers behind the pictures: knobs and values of every trial.
  rows() {
    const { knobs, values, trials } = this.data;
    const columns = [...knobs, ...values].map((_, i) => column(this.data, i));
    const word = ({ kind, levels }, place) => (kind === "category" && place !== null ? levels[place] : place ?? "");
    return [["trial", ...columns.map(({ label }) => label)],
      ...trials.map(({ name }, trial) => [name, ...columns.map((spec) => word(spec, spec.of[trial]))])];
  }

  choose(changes) {
    Object.assign(this, changes);
    this.rank();
    this.render();
  }

  render() {
    for (const view of this.views) view.render();
    this.highlight();
  }

  point(trials) {
    this.at = trials;
    this.highlight();
  }

  pin(trial) {
    this.pinned = this.pinned === trial ? null : trial;
    this.highlight();
  }

  get shown() {
    return this.at ?? (this.pinned === null ? [] : [this.pinned]);
  }

  highlight() {
    for (const view of this.views) view.highlight?.(this.shown);
  }

  // One step along the order from the trial that is shown.
  step(move) {
    const now = this.order.indexOf(this.shown[0]);
    const next = now < 0 ? 0 : Math.min(this.order.length - 1, Math.max(0, now + move));
    this.point([this.order[next]]);
  }

  describe(trials) {
    if (trials.length !== 1) return "";
    const trial = this.data.trials[trials[0]];
    const value = this.number(trials[0]);
    return `${trial.label}: ${value === null ? trial.state : short(value)}`;
  }
}

// Lets a picture be read by pointer and keys; `nearest(x, y)` finds a trial or null.
function readable(svg, board, nearest) {
  const find = (event) => {
    const box = svg.getBoundingClientRect();
    return nearest(event.clientX - box.left, event.clientY - box.top);
  };
  const point = (event) => {
    const trial = find(event);
    board.point(trial === null ? null : [trial]);
  };
  svg.addEventListener("pointermove", point);
  svg.addEventListener("pointerleave", () => board.point(null));
  svg.addEventListener("blur", () => board.point(null));
  svg.addEventListener("click", (event) => {
    const trial = find(event);
    if (trial !== null) board.pin(trial);
  });
  svg.addEventListener("keydown", (event) => {
    const move = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") board.point(null);
    if (event.key === "Enter" && board.at) board.pin(board.at[0]);
    if (move === undefined) return;
    event.preventDefault();
    board.step(move);
  });
}
