// Parallel coordinates: an axis for each knob and one for the value, a line for each trial.

const EDGE = { left: 46, right: 46, top: 52, bottom: 12 };

class Parallel {
  constructor(board, card) {
    this.board = board;
    card.hidden = false;
    this.readout = make("output");
    card.querySelector("header").append(this.readout);
    const scroll = make("div", { class: "scroll" });
    card.append(scroll);
    this.svg = draw(scroll, "svg", { tabindex: 0, role: "img" });
    this.svg.style.minWidth = `${104 * (board.data.knobs.length + 1)}px`;
    readable(this.svg, board, (x, y) => this.nearest(x, y));
    savable(card, "knobs", () => board.rows());
  }

  columns() {
    const { data, value } = this.board;
    const indices = data.knobs.map((_, i) => i);
    if (value !== null) indices.push(data.knobs.length + value);
    return indices.map((index) => column(data, index));
  }

  render() {
    const { svg, board } = this;
    const width = svg.clientWidth, height = svg.clientHeight;
    if (!width) return;
    svg.replaceChildren();
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const columns = this.columns();
    const labels = columns.map(({ label }) => label).join(", ");
    svg.setAttribute("aria-label", `Trials over ${labels}. Arrow keys go from trial to trial.`);
    const gap = (width - EDGE.left - EDGE.right) / Math.max(1, columns.length - 1);
    const span = height - EDGE.top - EDGE.bottom;
    this.lines = board.data.trials.map(() => []);
    const paths = draw(svg, "g", {});
    // Names that do not fit beside each other take turns in two rows.
    const room = Math.floor((0.62 * gap) / 6.8);
    const rows = columns.some(({ axis }) => axis.length > room) ? 2 : 1;
    columns.forEach((spec, i) => {
      const x = EDGE.left + i * gap, axis = makeAxis(spec, spec.of);
      const y = (share) => EDGE.top + (1 - share) * span;
      spec.of.forEach((value, trial) => {
        const share = axis.place(value);
        this.lines[trial].push(share === null ? null : [x, y(share)]);
      });
      this.axis(x, y, axis.ticks, i > 0 && i === columns.length - 1);
      const anchor = i === 0 ? "start" : i === columns.length - 1 ? "end" : "middle";
      this.name(x, spec.axis, anchor, rows === 2 && i % 2 === 1, rows * room);
    });
    this.paths = new Map();
    for (const trial of [...board.order].reverse()) this.paths.set(trial, this.path(paths, trial));
    this.top = draw(svg, "g", {});
  }

  name(x, label, anchor, second, room) {
    const at = { start: 2, middle: x, end: x + EDGE.right - 2 }[anchor];
    const half = Math.max(4, Math.floor(room / 2));
    const text = label.length > 2 * half ? `${label.slice(0, half - 1)}…${label.slice(-half)}` : label;
    const name = draw(this.svg, "text", { class: "name", x: at, y: second ? 32 : 16, "text-anchor": anchor }, text);
    draw(name, "title", {}, label);
  }

  // Ticks stand left of an axis, and right of the last one, where there are no lines.
  axis(x, y, ticks, last) {
    draw(this.svg, "line", { class: "axis", x1: x, x2: x, y1: y(0), y2: y(1) });
    const every = Math.ceil(ticks.length / 14);
    ticks.forEach(([share, text], i) => {
      if (i % every) return;
      const short = text.length > 12 ? `${text.slice(0, 11)}…` : text;
      const place = last ? { x: x + 5, "text-anchor": "start" } : { x: x - 5, "text-anchor": "end" };
      draw(this.svg, "text", { class: "halo", y: y(share) + 4, ...place }, short);
    });
  }

  path(parent, trial) {
    // A knob that is not set, and a value not reached yet, break the line.
    const d = this.lines[trial].map((at, i, line) =>
      at ? `${i && line[i - 1] ? "L" : "M"}${at[0].toFixed(1)} ${at[1].toFixed(1)}` : "").join("");
    const open = this.board.number(trial) === null;
    return draw(parent, "path", {
      class: open ? "strand open" : "strand", d, style: `stroke: ${this.board.color(trial)}`,
    });
  }

  nearest(x, y) {
    let best = null, least = 24;
    this.lines?.forEach((line, trial) => {
      for (let i = 0; i < line.length; i++) {
        const [a, b] = [line[i], line[Math.min(i + 1, line.length - 1)]];
        if (!a || !b || x < a[0] - 12 || x > b[0] + 12) continue;
        const share = b[0] > a[0] ? Math.min(1, Math.max(0, (x - a[0]) / (b[0] - a[0]))) : 0;
        const distance = Math.abs(a[1] + share * (b[1] - a[1]) - y);
        if (distance < least) { least = distance; best = trial; }
      }
    });
    return best;
  }

  highlight(trials) {
    if (!this.top) return;
    this.top.replaceChildren();
    this.svg.classList.toggle("dimmed", trials.length > 0);
    for (const trial of trials) {
      this.path(this.top, trial).classList.add("shown");
      for (const at of this.lines[trial].filter(Boolean)) {
        draw(this.top, "circle", { class: "spot", cx: at[0], cy: at[1], r: 4 });
      }
    }
    this.readout.textContent = this.board.describe(trials);
  }
}
