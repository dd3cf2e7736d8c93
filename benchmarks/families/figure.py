"""The true density and the learned ones on the plane, in one figure."""

from pathlib import Path

import genlab
from genlab.plots import density
from genlab.plots.figure import new_row, render
from genlab.plots.plane import plane_of

SIZE = 160  # cells on a side
STEPS = 50  # of a probability flow


def write(sweeps: list[tuple[str, Path]], out: Path) -> None:
    """`densities.png` and `densities.svg`: the truth, then the first trial of each sweep.

    Args:
      sweeps: name and folder of each.
      out: where they go.
    """
    trials = [(name, _first(sweep)) for name, sweep in sweeps]
    runs = [(name, genlab.open(trial)) for name, trial in trials if trial]
    data = runs[0][1].data
    points = data.splits["train"].load().arrays["x"]
    extent, grid = plane_of(points, SIZE)
    truth = density.truth_on_plane(data, grid)
    axes = new_row(1 + len(runs), size=3.2)
    density.draw(axes[0], truth, extent, truth.max(), "truth")
    for axis, (name, run) in zip(axes[1:], runs, strict=True):
        found = density.on_plane(run.trained, grid, STEPS)
        density.draw(axis, found, extent, truth.max(), name.replace("_", " "))
    picture = render(axes[0].figure)
    picture.save(out / "densities.png")
    print(out / "densities.png")


def _first(sweep: Path) -> Path | None:
    return min((path.parent for path in sweep.glob("*/results.json")), default=None)
