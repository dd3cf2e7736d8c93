// Any two columns against each other: a point for each trial that has both.

const FRAME = { left: 58, right: 16, top: 26, bottom: 40 };

class Scatter {
  constructor(board, card) {
    this.board = board;
    card.hidden = false;
    this.readout = make("output");
    card.querySelector("header").append(this.readout);
    const { data } = board, knobs = data.knobs.length;
    const [x, y] = data.scatter?.map((i) => knobs + i) ?? [0, knobs];
    this.across = this.chooser("across", Math.min(x, knobs + data.values.length - 1));
    this.up = this.chooser("up", y);
    const tools = make("form", { class: "tools", autocomplete: "off" });
    tools.append(make("label", {}, "Across ", this.across), make("label", {}, "Up ", this.up));
    card.append(tools);
    this.svg = draw(card, "svg", { tabindex: 0, role: "img" });
    readable(this.svg, board, (x, y) => this.nearest(x, y));
    savable(card, "values", () => board.rows());
  }

  chooser(name, chosen) {
    const select = make("select", { name });
    const { knobs, values } = this.board.data;
    for (let i = 0; i < knobs.length + values.length; i++) {
      const option = make("option", { value: i }, column(this.board.data, i).label);
      option.selected = i === chosen;
      select.append(option);
    }
    select.addEventListener("change", () => { this.render(); this.highlight(this.board.shown); });
    return select;
  }

  render() {
    const { svg, board } = this;
    const width = svg.clientWidth, height = svg.clientHeight;
    if (!width) return;
    svg.replaceChildren();
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const [across, up] = [this.across, this.up].map((select) => column(board.data, Number(select.value)));
    svg.setAttribute("aria-label", `${up.label} against ${across.label}. Arrow keys go from trial to trial.`);
    const [xs, ys] = [across, up].map((spec) => makeAxis(spec, spec.of));
    const x = (share) => FRAME.left + share * (width - FRAME.left - FRAME.right);
    const y = (share) => FRAME.top + (1 - share) * (height - FRAME.top - FRAME.bottom);
    this.axes(xs.ticks.map(([share, text]) => [x(share), text]), ys.ticks.map(([share, text]) => [y(share), text]), width, height);
    draw(svg, "text", { class: "name", x: width - FRAME.right, y: height - 6, "text-anchor": "end" }, across.axis);
    draw(svg, "text", { class: "name", x: 2, y: 12 }, up.axis);
    this.spots = board.data.trials.map((_, trial) => {
      const [right, high] = [xs.place(across.of[trial]), ys.place(up.of[trial])];
      return right === null || high === null ? null : [x(right), y(high)];
    });
    for (const trial of [...board.order].reverse()) {
      const at = this.spots[trial];
      if (at) draw(svg, "circle", { class: "trial", cx: at[0], cy: at[1], r: 5, style: `fill: ${board.color(trial)}` });
    }
    if (!this.spots.some(Boolean)) {
      draw(svg, "text", { x: width / 2, y: height / 2, "text-anchor": "middle" }, "no trial has both");
    }
    this.top = draw(svg, "g", {});
  }

  axes(xs, ys, width, height) {
    for (const [at, text] of ys) {
      draw(this.svg, "line", { class: "axis", x1: FRAME.left, x2: width - FRAME.right, y1: at, y2: at });
      const cut = text.length > 8 ? `${text.slice(0, 7)}…` : text;
      draw(this.svg, "text", { x: FRAME.left - 7, y: at + 4, "text-anchor": "end" }, cut);
    }
    const bottom = height - FRAME.bottom;
    const every = Math.ceil(xs.length / Math.max(2, Math.floor(width / 60)));
    xs.forEach(([at, text], i) => {
      if (i % every) return;
      draw(this.svg, "line", { class: "axis", x1: at, x2: at, y1: FRAME.top, y2: bottom });
      draw(this.svg, "text", { x: at, y: bottom + 16, "text-anchor": "middle" }, text);
    });
  }

  nearest(x, y) {
    let best = null, least = 30 ** 2;
    this.spots?.forEach((at, trial) => {
      const distance = at ? (at[0] - x) ** 2 + (at[1] - y) ** 2 : Infinity;
      if (distance < least) { least = distance; best = trial; }
    });
    return best;
  }

  highlight(trials) {
    if (!this.top) return;
    this.top.replaceChildren();
    this.svg.classList.toggle("dimmed", trials.length > 0);
    for (const trial of trials) {
      const at = this.spots[trial];
      if (at) draw(this.top, "circle", { class: "spot", cx: at[0], cy: at[1], r: 7 });
    }
    this.readout.textContent = this.board.describe(trials);
  }
}
