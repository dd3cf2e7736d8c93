// Round numbers between two ends, and the nearest of sorted ones.

function linearTicks(low, high, wanted) {
  const rough = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((m) => m * power >= rough * 0.999) * power;
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) ticks.push(i * step);
  return ticks;
}

function logTicks(low, high) {
  const first = Math.floor(low), last = Math.ceil(high);
  const within = (exponent) => exponent >= low - 1e-9 && exponent <= high + 1e-9;
  const exponents = [];
  for (let e = first; e <= last; e++) exponents.push(e);
  if (high - low > 2) {
    const every = Math.ceil((high - low) / 6);
    return exponents.filter((e) => within(e) && e % every === 0);
  }
  const few = exponents.flatMap((e) => [1, 2, 5].map((m) => e + Math.log10(m))).filter(within);
  // Less than a factor of two: round values, unevenly spaced.
  return few.length > 2 ? few : linearTicks(10 ** low, 10 ** high, 4).filter((v) => v > 0).map(Math.log10);
}

function nearest(sorted, target) {
  let low = 0, high = sorted.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < target) low = middle + 1; else high = middle;
  }
  return low > 0 && target - sorted[low - 1] <= sorted[low] - target ? low - 1 : low;
}
