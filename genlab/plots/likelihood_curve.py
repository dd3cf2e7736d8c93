"""The importance-weighted bound over the number of draws."""

import numpy as np

from genlab.metrics.importance_nll import importance_nll, importance_scores
from genlab.numbers import Count
from genlab.plots import figure
from genlab.registry import plots
from genlab.statistics import SIGMAS
from genlab.trained.needs import needs
from genlab.trained.trained import Trained


@plots.register
@needs("log_weights")
def likelihood_curve(
    trained: Trained,
    *,
    num: Count = 100,
    samples: Count = 5000,
    rows: Count = 2000,
    split: str | None = None,
) -> np.ndarray:
    """-log p(x) from above over K draws from q(z|x), with the 95 % band of what K draws add.

    The band is of the differences to the bound of all draws, example by example: how sure the shape of
    the curve is. A curve that still falls at its end says that the bound is not tight.

    Args:
      trained: the model.
      num: examples.
      samples: K at the right end.
      rows: as of `importance_nll`.
      split: where the examples come from; the held-out one by default.

    Returns:
      [H, W, 3] uint8.

    Raises:
      InputError: as `importance_nll`.

    Paper: Burda, Grosse & Salakhutdinov 2016, arXiv:1509.00519
    """
    split = split or trained.data.held_out()[0]
    draws, nll, *_ = importance_scores(trained, split, num, samples, rows)
    mean, gaps = nll.mean(axis=0), nll - nll[:, -1:]
    reach = SIGMAS * gaps.std(axis=0) / np.sqrt(len(nll))
    axes = figure.new_axes()
    axes.fill_between(draws, mean - reach, mean + reach, color=figure.ACCENT, alpha=0.2)
    axes.plot(draws, mean, ".-", color=figure.ACCENT)
    last = f"{mean[-1]:.2f} at K={draws[-1]:,}"
    axes.annotate(
        last, (draws[-1], mean[-1]), (0, 24), textcoords="offset points", ha="right"
    )
    axes.set_xscale("log")
    axes.set_xlabel("draws K", color=figure.INK)
    axes.set_ylabel(f"-log p(x) of {len(nll)} examples, nats", color=figure.INK)
    return figure.render(axes.figure)


likelihood_curve.check = importance_nll.check
