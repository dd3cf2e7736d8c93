// One axis of a sweep's pictures: a number, its logarithm, or one of several words.

// The ends of an axis: those of the values, but for the few that lie far away, as a diverged trial.
function reach(sorted) {
  const quantile = (share) => sorted[Math.round(share * (sorted.length - 1))];
  const [low, high] = [quantile(0.1), quantile(0.9)], far = 5 * (high - low);
  const near = far > 0 ? sorted.filter((value) => value >= low - far && value <= high + far) : sorted;
  return [near[0], near.at(-1)];
}

// Up to `few` distinct numbers are ticks themselves, as the levels of a grid.
function makeAxis({ kind, levels, few = 0 }, values) {
  if (kind === "category") {
    const ticks = levels.map((label, i) => [(i + 0.5) / levels.length, label]);
    return { place: (value) => (value === null ? null : (value + 0.5) / levels.length), ticks };
  }
  const log = kind === "log";
  const scaled = (value) => (log ? Math.log10(value) : value);
  const known = values.filter((value) => value !== null && Number.isFinite(scaled(value))).map(scaled);
  if (!known.length) return { place: () => null, ticks: [] };
  let [low, high] = reach([...known].sort((a, b) => a - b));
  const room = high > low ? (high - low) * 0.05 : Math.abs(high) * 0.1 || 1;
  low -= room;
  high += room;
  const at = (value) => (value - low) / (high - low);
  const rounded = (tick) => (Math.abs(tick) < 1e-12 * (high - low) ? 0 : tick);
  const distinct = [...new Set(known)].sort((a, b) => a - b);
  const value = (tick) => short(log ? 10 ** tick : rounded(tick));
  const ticks = few && distinct.length <= few
    ? distinct.map((tick) => [at(tick), value(tick)])
    : (log ? logTicks(low, high) : linearTicks(low, high, 5)).map((tick) => [at(tick), value(tick)]);
  const place = (value) => {
    if (value === null || !Number.isFinite(scaled(value))) return null;
    return Math.min(1, Math.max(0, at(scaled(value)))); // what is out of reach stands at the edge
  };
  return { place, ticks };
}

// The numbers of one column: knobs first, then measured values.
function column(data, index) {
  const knobs = data.knobs.length;
  if (index < knobs) return { ...data.knobs[index], axis: data.knobs[index].label, few: 8, of: data.trials.map((trial) => trial.knobs[index]) };
  const { label, axis, kind } = data.values[index - knobs];
  return { label, axis, kind, of: data.trials.map((trial) => trial.values[index - knobs]) };
}
