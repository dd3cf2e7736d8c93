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
    const ranked = this.order.filter(known), numbers = ranked.map((trial) => this.number(trial));
    // Trials that are level share the middle of their places.
    const middle = (number) => (numbers.indexOf(number) + numbers.lastIndexOf(number)) / 2;
    const share = (trial) => middle(this.number(trial)) / Math.max(1, ranked.length - 1);
    this.shades = new Map(ranked.map((trial) => [trial, share(trial)]));
  }

  // From the color of the first to that of the last; soft where there is no value.
  color(trials) {
    const shades = trials.map((trial) => this.shades.get(trial)).filter((shade) => shade !== undefined);
    if (!shades.length) return "var(--soft)";
    const mean = shades.reduce((sum, shade) => sum + shade, 0) / shades.length;
    return `color-mix(in oklab, var(--c1) ${(100 * mean).toFixed(0)}%, var(--c0))`;
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
