"""Means over a held-out split of what the family itself measures."""

import numpy as np

from genlab.metrics.log_density import of_levels
from genlab.metrics.measurement import Measurement, means_of
from genlab.numbers import Count
from genlab.registry import metrics
from genlab.trained.needs import needs
from genlab.trained.trained import Trained


@metrics.register
@needs("measure")
def held_out(trained: Trained, split: str, *, batch_size: Count = 256) -> Measurement:
    """Losses and scores of the family, averaged over every example of the split.

    One noise draw per example where the measurement is stochastic; the noise depends on the seed
    and the batch size.

    Args:
      trained: the model.
      split: of the examples, all of them.
      batch_size: examples at a time.

    Returns:
      What the family's `measure` names, losses in nats where they are of a likelihood. Where pixels
      are gray and their likelihood is that of Bernoulli units, `target_entropy` is the least that a
      reconstruction can be.
    """
    scores = trained.scores(split, batch_size)
    count = trained.data.splits[split].size
    protocol = {"split": split, "examples": count, "batch_size": batch_size}
    if trained.data.is_image:
        protocol["binarized"] = trained.preparation.binarize
    protocol |= of_levels(trained.experiment)
    if scores.get("target_entropy", np.zeros(1)).any():
        protocol["gray_pixels"] = (
            "Bernoulli cross-entropy, at least target_entropy; neither -log p(x) nor a bound on it"
        )
    else:
        scores.pop("target_entropy", None)
    values, intervals = means_of(scores)
    return Measurement(values, protocol, intervals)
