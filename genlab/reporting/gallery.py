"""The newest pictures of a sweep's trials, side by side: small, and bounded in their bytes."""

from collections.abc import Sequence

from genlab.reporting.pictures import MAX_BYTES, Shot, shot, within
from genlab.reporting.run import thin
from genlab.reporting.sweep import Sweep

MAX_THUMBNAILS = 24  # of one plot
MAX_PLOTS = 3
MAX_SIDE = 384  # pixels


def plot_names(sweep: Sweep) -> list[str]:
    """The plots that trials have pictures of, `samples` first, at most MAX_PLOTS."""
    names = sorted({plot for trial in sweep.trials for plot in trial.pictures})
    return sorted(names, key=lambda name: name != "samples")[:MAX_PLOTS]


def thumbnails(
    sweep: Sweep, plot: str, order: Sequence[int], most: int = MAX_BYTES
) -> dict[int, Shot]:
    """Pictures of one plot, evenly chosen along an order, the first and the last among them.

    Args:
      sweep: whose trials they are.
      plot: its name.
      order: indices of the trials.
      most: bytes of all of them.

    Returns:
      index of the trial -> its newest picture. Those that cannot be read are left out.
    """
    having = [i for i in order if plot in sweep.trials[i].pictures]
    read = {}
    for index in thin(having, most=MAX_THUMBNAILS):
        trial = sweep.trials[index]
        if found := shot(trial.step, trial.pictures[plot], most=MAX_SIDE):
            read[index] = found
    # Backwards, since the last has room in any case, and the first is the best.
    kept = within(list(read)[::-1], most, lambda index: read[index].size)
    return {index: found for index, found in read.items() if index in kept}
