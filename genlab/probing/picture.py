"""The probes of runs as one picture: accuracies, the few-label curve, layers, and where the codes lie."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from genlab.data.selection import names_of_classes
from genlab.plots import figure
from genlab.plots.embedding import neighbour_plane, principal_plane, scatter
from genlab.plots.picture import Picture
from genlab.probing.suite import Row
from genlab.trained.encoding import encoded
from genlab.trained.trained import Trained

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHOWN = 2000  # examples of an embedding
PERPLEXITY = 30.0
COLORS = {
    "codes": "#2563eb",
    "untrained": "#9ca3af",
    "raw": "#1f2937",
    "pca": "#d97706",
}
FEATURES = tuple(COLORS)
LEGEND = dict(frameon=False, fontsize=8, labelcolor=figure.INK)


def of_run(rows: Sequence[Row], trained: Trained, split: str) -> Picture:
    """One run: every probe beside its baselines, few labels, layers, PCA and t-SNE of the codes.

    Args:
      rows: of this run.
      trained: the model.
      split: whose codes are shown.

    Returns:
      [H, W, 3] uint8.
    """
    axes = figure.new_grid(2, 3)
    _bars(axes[0], rows)
    _curve(axes[1], rows)
    _layers(axes[2], rows)
    _embeddings(axes[3:5], trained, split)
    axes[5].set_axis_off()
    return figure.render(axes[0].figure)


def of_runs(rows: Sequence[Row]) -> Picture:
    """Several runs: their linear probes side by side, and their few-label curves."""
    axes = figure.new_grid(1, 2, size=6.4)
    _side_by_side(axes[0], rows)
    _curves(axes[1], rows)
    return figure.render(axes[0].figure)


def _bars(axes: "Axes", rows: Sequence[Row]) -> None:
    whole = [row for row in rows if not _count(row) and "layer" not in row.features]
    probes = list(dict.fromkeys(row.probe for row in whole))
    names = list(dict.fromkeys(row.features for row in whole))
    for place, name in enumerate(names):
        found = [row for row in whole if row.features == name]
        x = np.array([probes.index(row.probe) for row in found])
        x = x + 0.2 * (place - 1.5)
        values = [row.value for row in found]
        axes.bar(x, values, 0.18, color=COLORS[name], label=name)
        _whiskers(axes, x, found)
    axes.set_xticks(range(len(probes)), probes, rotation=30)
    axes.set_ylim(0, 1.15)  # room for the legend
    _finish(axes, "accuracy, NMI", columns=4)


def _side_by_side(axes: "Axes", rows: Sequence[Row]) -> None:
    """The first probe: a line of dots for each run, its codes beside their baselines."""
    first = next(row.probe for row in rows)
    found = [row for row in rows if row.probe == first and "layer" not in row.features]
    runs = list(dict.fromkeys(row.run for row in found))
    for place, name in enumerate(reversed(FEATURES)):  # the codes on top
        own = [row for row in found if row.features == name]
        y = np.array([-runs.index(row.run) for row in own]) + 0.12 * (place - 1.5)
        color = COLORS[name]
        axes.plot([row.value for row in own], y, "o", ms=5, color=color, label=name)
        for at, row in zip(y, own, strict=True):
            if row.low is not None and row.high is not None:
                axes.plot([row.low, row.high], [at] * 2, color=color, lw=1)
    axes.set_yticks([-i for i in range(len(runs))], runs, fontsize=8)
    axes.set_xlabel(f"{first}, accuracy", color=figure.INK)
    place = dict(loc="lower left", bbox_to_anchor=(0, 1), ncols=len(FEATURES))
    axes.legend(**place, reverse=True, **LEGEND)


def _curve(axes: "Axes", rows: Sequence[Row]) -> None:
    """Accuracy over counts of labels, a line for each kind of features of a run."""
    lines: dict[str, list[Row]] = {}
    for row in rows:
        if _count(row):
            lines.setdefault(row.features, []).append(row)
    for name, found in lines.items():
        x = np.array([_count(row) for row in found])
        style = "o-" if name == "codes" else "o--"
        y = [row.value for row in found]
        axes.plot(x, y, style, ms=4, color=COLORS[name], label=name)
        _whiskers(axes, x, found, COLORS[name])
    _counted(axes, rows)
    _finish(axes, "accuracy, linear")


def _curves(axes: "Axes", rows: Sequence[Row]) -> None:
    """The same of the codes of several runs, each named where it ends, and of raw examples of the first."""
    lines: dict[str, list[Row]] = {}
    for row in rows:
        if _count(row) and row.features == "codes":
            lines.setdefault(row.run, []).append(row)
        if _count(row) and row.features == "raw" and row.run == rows[0].run:
            lines.setdefault("raw examples", []).append(row)
    ends = []
    for place, (name, found) in enumerate(lines.items()):
        x = np.array([_count(row) for row in found])
        color = COLORS["raw"] if name == "raw examples" else f"C{place % 10}"
        style = "o--" if name == "raw examples" else f"{'osD'[place // 10 % 3]}-"
        axes.plot(x, [row.value for row in found], style, ms=4, color=color)
        _whiskers(axes, x, found, color)
        ends.append((found[-1].value, x[-1], name, color))
    _named_at_ends(axes, ends)
    _counted(axes, rows)
    axes.set_ylabel("accuracy, linear", color=figure.INK)


def _named_at_ends(axes: "Axes", ends: Sequence[tuple[float, int, str, str]]) -> None:
    """Names right of the axes, at the heights of last points `(y, x, name, color)`, moved apart where they would meet."""
    low, high = axes.get_ylim()
    ends = sorted(ends)
    y = np.array([end[0] for end in ends])
    # Moved upwards alone and downwards alone; the mean of both is as far apart.
    spaced = 0.035 * (high - low) * np.arange(len(ends))
    up = np.maximum.accumulate(y - spaced) + spaced
    down = np.minimum.accumulate((y - spaced)[::-1])[::-1] + spaced
    for (value, x, name, color), height in zip(ends, (up + down) / 2, strict=True):
        axes.annotate(
            name,
            (x, value),
            (1.04, height),
            textcoords=axes.get_yaxis_transform(),
            fontsize=8,
            color=figure.INK,
            va="center",
            arrowprops=dict(arrowstyle="-", color=color, lw=0.6),
        )


def _counted(axes: "Axes", rows: Sequence[Row]) -> None:
    """The axis of the counts of labels."""
    if counts := sorted({_count(row) for row in rows} - {0}):
        axes.set_xscale("log")
        axes.set_xticks(counts, [f"{count:,}" for count in counts])
    axes.set_xlabel("labels", color=figure.INK)


def _layers(axes: "Axes", rows: Sequence[Row]) -> None:
    """Accuracy of the linear probe at each layer, and of the same layer untrained."""
    depth = max((_depth(row) for row in rows), default=0)
    for drawn in ("", "untrained"):
        color = COLORS[drawn or "codes"]
        found = [
            row
            for row in rows
            if row.probe == "linear"
            and row.features.startswith("untrained") == bool(drawn)
            and (_depth(row) or row.features in ("codes", "untrained"))
        ]
        x = np.array([_depth(row) or depth + 1 for row in found])
        order = np.argsort(x)
        found = [found[i] for i in order]
        axes.plot(
            x[order],
            [r.value for r in found],
            "o-",
            ms=4,
            color=color,
            label=drawn or "trained",
        )
        _whiskers(axes, x[order], found, color)
    ticks = range(1, depth + 2)
    axes.set_xticks(ticks, [*(f"layer {t}" for t in ticks[:-1]), "code"], rotation=30)
    _finish(axes, "accuracy, linear")


def _embeddings(axes: Sequence["Axes"], trained: Trained, split: str) -> None:
    batch = trained.examples(split, SHOWN)
    codes = encoded(trained, batch, layers=False)["codes"]
    names = trained.data.class_names or names_of_classes(
        trained.data, range(trained.data.num_classes)
    )
    if codes.shape[1] > 1:
        plane, shares = principal_plane(codes)
        scatter(axes[0], plane, batch["label"], names, legend=False)
        axes[0].set_title(f"PCA, {shares.sum():.0%} of the variance", color=figure.INK)
        perplexity = min(PERPLEXITY, (len(codes) - 1) / 3)
        plane = neighbour_plane(codes, perplexity=perplexity, seed=trained.seed)
        scatter(axes[1], plane, batch["label"], names)
        axes[1].set_title("t-SNE", color=figure.INK)


def _whiskers(
    axes: "Axes", x: np.ndarray, rows: Sequence[Row], color: str = figure.INK
) -> None:
    for place, row in zip(x, rows, strict=True):
        if row.low is not None and row.high is not None:
            axes.plot([place, place], [row.low, row.high], color=color, lw=1)


def _finish(axes: "Axes", told: str, columns: int = 1) -> None:
    axes.set_ylabel(told, color=figure.INK)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(ncols=columns, **LEGEND)


def _count(row: Row) -> int:
    """Labels of a point of the few-label curve; 0 of any other row."""
    name, _, count = row.probe.partition("_")
    return int(count) if name == "labels" else 0


def _depth(row: Row) -> int:
    return int(row.features.split()[-1]) if "layer" in row.features else 0
