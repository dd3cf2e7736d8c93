"""Means over a held-out split of what the family itself measures."""

from genlab.metrics.measurement import Measurement
from genlab.numbers import Count
from genlab.registry import metrics
from genlab.trained import Trained


@metrics.register
def held_out(trained: Trained, split: str, *, batch_size: Count = 256) -> Measurement:
    """Losses and scores of the family, averaged over every example of the split.

    One noise draw per example where the measurement is stochastic; the noise depends on the seed
    and the batch size.
    """
    values, count = trained.mean_over(split, batch_size)
    return Measurement(
        values, {"split": split, "examples": count, "batch_size": batch_size}
    )
