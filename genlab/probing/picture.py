"""The probes of runs as one picture: accuracies, the few-label curve, layers, and where the codes lie."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from genlab.data.selection import names_of_classes
from genlab.plots import figure
from genlab.plots.embedding import neighbour_plane, principal_plane, scatter
from genlab.plots.picture import Picture
from genlab.probing.suite import Row
from genlab.probing.table import kept_once
from genlab.trained.encoding import encoded
from genlab.trained.trained import Trained

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHOWN = 2000  # examples of an embedding
PERPLEXITY = 30.0
COLORS = ("#2563eb", "#9ca3af", "#1f2937", "#d97706")  # codes, untrained, raw, pca


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
    _curve(axes[1], rows)
    return figure.render(axes[0].figure)


def _bars(axes: "Axes", rows: Sequence[Row]) -> None:
    whole = [row for row in rows if not _count(row) and "layer" not in row.features]
    probes = list(dict.fromkeys(row.probe for row in whole))
    names = list(dict.fromkeys(row.features for row in whole))
    for place, (name, color) in enumerate(zip(names, COLORS, strict=False)):
        found = [row for row in whole if row.features == name]
        x = np.array([probes.index(row.probe) for row in found])
        x = x + 0.2 * (place - 1.5)
        axes.bar(x, [row.value for row in found], 0.18, color=color, label=name)
        _whiskers(axes, x, found)
    axes.set_xticks(range(len(probes)), probes, rotation=30)
    axes.set_ylim(0, 1.15)  # room for the legend
    _finish(axes, "accuracy, NMI", columns=4)


def _side_by_side(axes: "Axes", rows: Sequence[Row]) -> None:
    first = next(row.probe for row in rows)
    found = [
        r for r in kept_once(rows) if r.probe == first and "layer" not in r.features
    ]
    names = ["codes", "untrained", "raw", "pca"]
    for name, color in zip(names, COLORS, strict=True):
        own = [(i, row) for i, row in enumerate(found) if row.features == name]
        x = np.array([-i for i, _ in own])
        axes.barh(x, [row.value for _, row in own], 0.8, color=color, label=name)
        for place, (_, row) in zip(x, own, strict=True):
            if row.low is not None and row.high is not None:
                axes.plot([row.low, row.high], [place] * 2, color=figure.INK, lw=1)
    told = [
        row.run if row.features not in ("raw", "pca") else row.features for row in found
    ]
    axes.set_yticks([-i for i in range(len(found))], told, fontsize=8)
    axes.set_xlabel(f"{first}, accuracy", color=figure.INK)
    axes.legend(frameon=False, fontsize=8, labelcolor=figure.INK)


def _curve(axes: "Axes", rows: Sequence[Row]) -> None:
    """Accuracy over counts of labels, a line for each kind of features of each run."""
    lines: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if _count(row):
            lines.setdefault((row.run, row.features), []).append(row)
    several = len({run for run, _ in lines}) > 1
    for (run, name), found in lines.items():
        if several and name != "codes" and run != rows[0].run:
            continue
        x = np.array([_count(row) for row in found])
        color = dict(zip(("codes", "untrained", "raw", "pca"), COLORS, strict=True))[
            name
        ]
        shown = {"color": color} if not several or name != "codes" else {}
        label = run if several and name == "codes" else name
        style = "o-" if name == "codes" else "o--"
        y = [row.value for row in found]
        (line,) = axes.plot(x, y, style, ms=4, label=label, **shown)
        _whiskers(axes, x, found, line.get_color())
    if lines:
        counts = sorted({_count(row) for row in rows} - {0})
        axes.set_xscale("log")
        axes.set_xticks(counts, [f"{count:,}" for count in counts])
    axes.set_xlabel("labels", color=figure.INK)
    _finish(axes, "accuracy, linear")


def _layers(axes: "Axes", rows: Sequence[Row]) -> None:
    """Accuracy of the linear probe at each layer, and of the same layer untrained."""
    depth = max((_depth(row) for row in rows), default=0)
    for color, drawn in zip(COLORS[:2], ("", "untrained"), strict=False):
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
        style = dict(frameon=False, fontsize=8, labelcolor=figure.INK, ncols=columns)
        axes.legend(**style)


def _count(row: Row) -> int:
    """Labels of a point of the few-label curve; 0 of any other row."""
    name, _, count = row.probe.partition("_")
    return int(count) if name == "labels" else 0


def _depth(row: Row) -> int:
    return int(row.features.split()[-1]) if "layer" in row.features else 0
