// One chart of curves: linear or logarithmic, smoothed, read by pointer or arrow keys. A curve may
// have a band around it, `low` and `high`; one with `colors` is points, each in its own.

const MARGIN = { left: 52, right: 12, top: 24, bottom: 38 };
const MANY = 8; // of more curves only the one pointed at has its band
const SPARSE = 20; // so few points are marked, since a line alone hides where they are

// The mean over the last `share` of a run, whatever its number of points, with weights that fall
// off exponentially.
function smooth(values, share) {
  const weight = Math.max(0, 1 - 1 / (share * values.length));
  // The average starts at zero; dividing by its total weight removes that bias.
  let mean = 0, total = 0;
  return values.map((value) => {
    mean = weight * mean + (1 - weight) * value;
    total = weight * total + (1 - weight);
    return mean / total;
  });
}

class Chart {
  constructor(card, { title, file, log, x, y, series }, index, smoothing) {
    this.title = title;
    this.file = file;
    this.names = { x, y };
    this.log = log;
    this.smoothing = smoothing;
    this.at = null;
    this.index = index;
    this.series = series.map((s) => ({ low: [], high: [], colors: null, ...s, visible: true }));
    this.several = new Set(series.map(({ split }) => split)).size > 1;
    this.steps = [...new Set(series.flatMap((s) => s.steps))].sort((a, b) => a - b);
    this.build(card);
  }

  build(card) {
    this.logButton = make("button", { type: "button" }, "log");
    this.readout = make("output");
    const header = make("header", {}, card.querySelector("h3, h4"), this.readout, this.logButton);
    card.querySelector(".still")?.remove();
    card.querySelector(".last")?.removeAttribute("open"); // the legend tells them
    this.svg = draw(card, "svg", { tabindex: 0, role: "img" });
    const legend = make("ul", { class: "legend" });
    for (const s of this.series) legend.append(make("li", {}, this.entry(s)));
    card.prepend(header, this.svg, legend);
    savable(card, this.file ?? this.title, () => this.rows());
    this.logButton.addEventListener("click", () => this.set({ log: !this.log }));
    this.svg.addEventListener("pointermove", (event) => this.point(event));
    this.svg.addEventListener("pointerdown", (event) => this.point(event));
    this.svg.addEventListener("pointerleave", () => this.hover(null));
    this.svg.addEventListener("blur", () => this.hover(null));
    this.svg.addEventListener("keydown", (event) => this.key(event));
  }

  entry(s) {
    const swatch = make("i", { class: this.several ? s.split : "", style: `border-color: ${s.color}` });
    const name = s.name.replaceAll("_", " ");
    s.value = make("b");
    const label = this.several ? `${name} · ${s.split}` : name;
    const button = make("button", { type: "button", "aria-pressed": "true", "data-label": label }, swatch, label, s.value);
    button.addEventListener("click", () => {
      s.visible = !s.visible;
      button.setAttribute("aria-pressed", s.visible);
      this.render();
    });
    s.button = button;
    return button;
  }

  set(options) {
    Object.assign(this, options);
    this.render();
  }

  // What is drawn, as a table: a row for each point.
  rows() {
    const points = this.series.flatMap((s) => s.steps.map((step, i) =>
      [s.name, s.split, step, s.values[i], s.low[i] ?? "", s.high[i] ?? ""]));
    return [["name", "split", this.names.x, this.names.y, "low", "high"], ...points];
  }

  // The points that this scale can show: [step, scaled value, index].
  points(s, values) {
    const scaled = values.map((value, i) => [s.steps[i], this.log ? Math.log10(value) : value, i]);
    return scaled.filter(([, value]) => Number.isFinite(value));
  }

  render() {
    const width = this.svg.clientWidth, height = this.svg.clientHeight;
    if (!width) return;
    this.svg.replaceChildren();
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.logButton.setAttribute("aria-pressed", this.log);
    const names = this.series.map((s) => `${s.name} (${s.split})`).join(", ");
    this.svg.setAttribute("aria-label", `${this.names.y} over ${this.names.x}: ${names}. Arrow keys read values.`);
    for (const s of this.series) {
      s.raw = this.points(s, s.values);
      s.smoothed = this.smoothing * s.values.length > 1 && !s.colors;
      const drawn = (values) => this.points(s, s.smoothed ? smooth(values, this.smoothing) : values);
      s.path = drawn(s.values);
      s.edges = s.low.length ? [drawn(s.low), drawn(s.high)] : null;
    }
    const drawn = this.series.filter((s) => s.visible && s.path.length);
    if (!drawn.length) {
      const reason = this.log ? "nothing positive to draw" : "nothing to draw";
      draw(this.svg, "text", { x: width / 2, y: height / 2, "text-anchor": "middle" }, reason);
      this.scale = null;
      return this.hover(null);
    }
    this.fit(drawn, width, height);
    this.axes(width, height);
    this.lines(drawn, width, height);
    this.overlay = draw(this.svg, "g", { "clip-path": `url(#clip-${this.index})` });
    this.hover(this.at);
  }

  fit(drawn, width, height) {
    const broken = this.series.flatMap((s) => s.broken);
    const steps = [...this.steps, ...broken];
    let left = Infinity, right = -Infinity, low = Infinity, high = -Infinity;
    for (const step of steps) { left = Math.min(left, step); right = Math.max(right, step); }
    for (const s of drawn) {
      for (const [, y] of [...s.path, ...(s.edges ?? []).flat()]) { low = Math.min(low, y); high = Math.max(high, y); }
      if (!s.smoothed || !s.raw.length) continue;
      // Behind a smooth line the raw one may leave the picture with its spikes.
      const sorted = s.raw.map(([, y]) => y).sort((a, b) => a - b);
      low = Math.min(low, sorted[Math.floor(sorted.length * 0.02)]);
      high = Math.max(high, sorted[Math.floor(sorted.length * 0.98)]);
    }
    if (left === right) { left -= 1; right += 1; }
    if (drawn.some((s) => s.colors)) { left -= 0.5; right += 0.5; } // room for whole points
    const room = high > low ? (high - low) * 0.06 : Math.abs(high) * 0.1 || 1;
    low -= room;
    high += room;
    const inner = { width: width - MARGIN.left - MARGIN.right, height: height - MARGIN.top - MARGIN.bottom };
    this.scale = {
      left, right, low, high,
      x: (step) => MARGIN.left + ((step - left) / (right - left)) * inner.width,
      y: (value) => MARGIN.top + (1 - (value - low) / (high - low)) * inner.height,
      step: (x) => left + ((x - MARGIN.left) / inner.width) * (right - left),
    };
  }

  axes(width, height) {
    const { x, y, low, high, left, right } = this.scale;
    const bottom = height - MARGIN.bottom;
    for (const tick of this.log ? logTicks(low, high) : linearTicks(low, high, 5)) {
      const at = y(tick);
      draw(this.svg, "line", { class: "axis", x1: MARGIN.left, x2: width - MARGIN.right, y1: at, y2: at });
      const label = short(this.log ? 10 ** tick : Math.abs(tick) < 1e-12 * (high - low) ? 0 : tick);
      draw(this.svg, "text", { x: MARGIN.left - 7, y: at + 4, "text-anchor": "end" }, label);
    }
    const ticks = linearTicks(left, right, Math.max(2, Math.floor(width / 110))).filter(Number.isInteger);
    for (const tick of ticks) {
      const large = right >= 10000;
      const label = large ? `${Number((tick / 1000).toPrecision(6))}k` : count.format(tick);
      const anchor = x(tick) > width - 30 ? "end" : "middle";
      draw(this.svg, "text", { x: x(tick), y: bottom + 16, "text-anchor": anchor }, tick ? label : "0");
    }
    draw(this.svg, "text", { class: "name", x: 2, y: 12 }, this.names.y);
    draw(this.svg, "text", { class: "name", x: width - MARGIN.right, y: height - 5, "text-anchor": "end" }, this.names.x);
  }

  lines(drawn, width, height) {
    const clip = draw(this.svg, "clipPath", { id: `clip-${this.index}` });
    draw(clip, "rect", {
      x: MARGIN.left - 2, y: 0, width: width - MARGIN.left - MARGIN.right + 4, height: height - MARGIN.bottom,
    });
    const group = draw(this.svg, "g", { "clip-path": `url(#clip-${this.index})` });
    for (const s of this.series) s.group = null;
    for (const s of drawn) {
      s.group = draw(group, "g", {});
      if (s.edges) this.band(s.group, s);
      else if (s.smoothed) this.line(s.group, s, s.raw, "raw");
      if (s.colors) this.dots(s.group, s, 4);
      else this.line(s.group, s, s.path, this.several ? s.split : "");
    }
    for (const s of this.series) {
      for (const step of s.visible ? s.broken : []) {
        const at = this.scale.x(step), bottom = height - MARGIN.bottom;
        const mark = draw(group, "line", { class: "broken", x1: at, x2: at, y1: bottom - 9, y2: bottom });
        draw(mark, "title", {}, `${s.name}: not finite at ${count.format(step)}`);
      }
    }
  }

  line(group, s, points, kind) {
    const { x, y } = this.scale;
    if (points.length <= SPARSE && kind !== "raw") this.dots(group, s, 2.5);
    const d = points.map(([step, value], i) => {
      const [right, high] = [x(step).toFixed(1), y(value).toFixed(1)];
      return s.stepped && i ? `H${right}V${high}` : `${i ? "L" : "M"}${right} ${high}`;
    });
    draw(group, "path", { class: `line ${kind}`, d: d.join(""), style: `stroke: ${s.color}` });
  }

  dots(group, s, radius) {
    for (const [step, value, i] of s.path) {
      const style = `fill: ${s.colors?.[i] ?? s.color}`;
      draw(group, "circle", { cx: this.scale.x(step), cy: this.scale.y(value), r: radius, style });
    }
  }

  band(group, s) {
    const { x, y } = this.scale, [low, high] = s.edges;
    const around = [...high, ...[...low].reverse()];
    const points = around.map(([step, value]) => `${x(step).toFixed(1)},${y(value).toFixed(1)}`);
    draw(group, "polygon", { class: "band", points: points.join(" "), style: `fill: ${s.color}` });
  }

  // Brings forward the curves that `chosen` holds for; all of them where it is null.
  emphasize(chosen) {
    for (const { group, ...s } of this.series) {
      group?.classList.toggle("behind", chosen !== null && !chosen(s));
      group?.classList.toggle("shown", chosen !== null && chosen(s));
    }
  }

  point(event) {
    if (!this.scale) return;
    const box = this.svg.getBoundingClientRect();
    const step = this.scale.step(event.clientX - box.left);
    this.hover(this.steps[nearest(this.steps, step)]);
  }

  key(event) {
    const move = { ArrowLeft: -1, ArrowRight: 1, PageUp: 20, PageDown: -20 }[event.key];
    const end = { Home: 0, End: this.steps.length - 1 }[event.key];
    if (event.key === "Escape") return this.hover(null);
    if (move === undefined && end === undefined) return;
    event.preventDefault();
    const last = this.steps.length - 1;
    const now = this.at === null ? last : nearest(this.steps, this.at);
    this.hover(this.steps[end ?? Math.min(last, Math.max(0, now + move))]);
  }

  // Reads every curve at a step, or its last value where there is none.
  hover(step) {
    this.at = step;
    const shown = step !== null && this.scale;
    this.readout.textContent = shown ? `${this.names.x} ${count.format(step)}` : "";
    this.overlay?.replaceChildren();
    if (shown) {
      const x = this.scale.x(step);
      draw(this.overlay, "line", { class: "cursor", x1: x, x2: x, y1: MARGIN.top, y2: this.svg.clientHeight - MARGIN.bottom });
    }
    for (const s of this.series) {
      const i = step === null ? s.steps.length - 1 : nearest(s.steps, step);
      const value = s.values[i];
      s.value.textContent = value === undefined ? "–" : short(value);
      if (!shown || !s.visible || value === undefined || (this.log && value <= 0)) continue;
      const y = this.scale.y(this.log ? Math.log10(value) : value);
      draw(this.overlay, "circle", { cx: this.scale.x(s.steps[i]), cy: y, r: 3.5, style: `fill: ${s.color}` });
    }
  }
}
