"""The numbers of all runs as a table: for a terminal, as CSV, as LaTeX, as means over seeds."""

import csv
import dataclasses
import io
from collections import Counter
from collections.abc import Sequence

from genlab.probing.suite import Row
from genlab.statistics import summarize
from genlab.trials.table import in_columns, in_latex

ONCE = ("raw", "pca")  # features that no run changes


def kept_once(rows: Sequence[Row]) -> list[Row]:
    """The rows, those of raw examples and PCA of one size once for all runs that have the same numbers."""
    seen, kept = set(), []
    for row in rows:
        same = dataclasses.replace(row, run="")
        if row.features not in ONCE or same not in seen:
            kept.append(row)
        seen.add(same)
    return kept


def cells(rows: Sequence[Row]) -> tuple[list[str], list[tuple[str, dict[str, Row]]]]:
    """The columns, one a probe, and the lines: what the features are, and their numbers by probe."""
    columns = list(dict.fromkeys(row.probe for row in rows))
    lines: dict[tuple[str, str], dict[str, Row]] = {}
    for row in rows:
        lines.setdefault((row.run, row.features), {})[row.probe] = row
    several = len({row.run for row in rows}) > 1
    named = []
    for (run, features), found in lines.items():
        width = next(iter(found.values())).width
        name = f"{features}, {width}"
        named.append((f"{run}: {name}" if several else name, found))
    return columns, named


def text(rows: Sequence[Row]) -> str:
    """Aligned text, values in per cent with their intervals, a star where codes beat all baselines."""
    columns, lines = cells(kept_once(rows))
    table = [
        [name, *(_shown(found[c]) if c in found else "" for c in columns)]
        for name, found in lines
    ]
    return in_columns(["features", *columns], table)


def as_csv(rows: Sequence[Row]) -> str:
    """A line for each number."""
    out = io.StringIO()
    names = [field.name for field in dataclasses.fields(Row)]
    writer = csv.DictWriter(out, names, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow(
            {
                **dataclasses.asdict(row),
                "beats": " ".join(row.beats),
                "notes": "; ".join(row.notes),
            }
        )
    return out.getvalue()


def as_latex(rows: Sequence[Row]) -> str:
    """A `tabular`, values in per cent and half their intervals, bold where codes beat all baselines."""
    columns, lines = cells(kept_once(rows))
    head = " & ".join(map(in_latex, ["features", *columns]))
    body = [
        " & ".join([in_latex(name), *(_in_latex(found.get(c)) for c in columns)])
        for name, found in lines
    ]
    written = [r"\begin{tabular}{l" + "r" * len(columns) + "}", r"\hline"]
    written += [head + r" \\", r"\hline"]
    written += [line + r" \\" for line in body]
    return "\n".join([*written, r"\hline", r"\end{tabular}", ""])


def over_seeds(rows: Sequence[Row], group_of: dict[str, str]) -> list[Row]:
    """Rows of groups of runs that differ in their seed alone: means, with Student's interval over them.

    Args:
      rows: of all runs.
      group_of: run -> what its group is called.

    Returns:
      A row for each group of two runs or more; `beats` has the baselines over which the gain is above 0
      by Student's interval over the runs, and by that over its tested examples in every one of them.
    """
    found: dict[tuple[str, str, str], dict[str, Row]] = {}
    for row in rows:
        key = group_of[row.run], row.features, row.probe
        found.setdefault(key, {})[row.run] = row
    made = []
    for (group, features, probe), runs in found.items():
        if len(runs) < 2:
            continue
        summary = summarize([row.value for row in runs.values()])
        beats = []
        for other in ("untrained", *ONCE) if features == "codes" else ():
            others = found[group, other, probe]
            gaps = [runs[name].value - others[name].value for name in runs]
            every = all(other in row.beats for row in runs.values())
            if every and summarize(gaps).low > 0:
                beats.append(other)
        width = next(iter(runs.values())).width
        # Of runs that are all alike nothing is known over seeds.
        ends = (summary.low, summary.high) if summary.is_bounded else (None, None)
        name = f"{group} ({len(runs)} seeds)"
        made.append(
            Row(name, features, width, probe, summary.mean, *ends, None, tuple(beats))
        )
    return made


def means_and_others(
    rows: Sequence[Row], means: Sequence[Row], group_of: dict[str, str]
) -> list[Row]:
    """The means of groups, and the rows of runs that are alone in theirs."""
    size = Counter(group_of.values())
    return [*means, *(row for row in rows if size[group_of[row.run]] < 2)]


def _shown(row: Row) -> str:
    star = "*" if len(row.beats) == 3 else ""
    if row.low is None or row.high is None:
        return f"{100 * row.value:.1f}{star}"
    return f"{100 * row.value:.1f}{star} ({100 * row.low:.1f} to {100 * row.high:.1f})"


def _in_latex(row: Row | None) -> str:
    if row is None:
        return ""
    shown = f"{100 * row.value:.1f}"
    if row.low is not None and row.high is not None:
        shown += f" \\pm {50 * (row.high - row.low):.1f}"
    return f"$\\mathbf{{{shown}}}$" if len(row.beats) == 3 else f"${shown}$"
