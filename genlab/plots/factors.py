"""What each latent tells of each factor that the examples are made from."""

import numpy as np

from genlab.distances.information import factor_entropy, factor_information
from genlab.metrics.disentanglement import coded
from genlab.numbers import Count
from genlab.plots import figure
from genlab.registry import plots
from genlab.trained.needs import needs
from genlab.trained.trained import Trained


@plots.register
@needs("factors", "encode")
def latent_information(
    trained: Trained, *, num: Count = 5000, bins: Count = 20, split: str | None = None
) -> np.ndarray:
    """Mutual information of every latent with every factor, as a share of the factor's entropy.

    A disentangled code has one bright cell in a column; what MIG counts is how much brighter the
    brightest is than the next.

    Args:
      trained: the model.
      num: examples encoded.
      bins: of a latent, of equal width.
      split: where the examples come from; the held-out one by default.

    Returns:
      [H, W, 3] uint8.

    Raises:
      InputError: no `encode`, a data set without factors, or fewer than two bins.

    Paper: Chen et al. 2018, arXiv:1802.04942
    """
    seen = coded(trained, split or trained.data.held_out()[0], num)
    entropy = factor_entropy(seen.factors)
    shares = factor_information(seen, bins=bins) / np.where(entropy > 0, entropy, 1)
    axes = figure.new_axes()
    axes.grid(visible=False)
    drawn = axes.imshow(shares, vmin=0, vmax=1, cmap="viridis", aspect="auto")
    axes.set_xticks(range(shares.shape[1]), trained.data.factors, color=figure.INK)
    axes.set_yticks(range(len(shares)), [f"latent {i}" for i in range(len(shares))])
    for (row, column), share in np.ndenumerate(shares):
        color = "white" if share < 0.6 else "black"
        text = f"{share:.2f}"
        axes.text(column, row, text, ha="center", va="center", color=color, fontsize=9)
    bar = axes.figure.colorbar(drawn, shrink=0.8)
    bar.set_label("share of the factor's entropy", color=figure.INK)
    return figure.render(axes.figure)
