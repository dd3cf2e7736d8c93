"""What a model with a partition function says without estimating it: enumerated, or cancelled."""

import math

import jax
import numpy as np

from genlab.boltzmann import exact
from genlab.game.precision import exact_products
from genlab.metrics.measurement import Measurement, means_of
from genlab.metrics.unnormalized import need_machine, title_of, unnormalized
from genlab.numbers import Count
from genlab.registry import metrics
from genlab.trained.needs import needs
from genlab.trained.trained import Trained


@metrics.register
@needs("log_unnormalized", "machine")
def exact_log_likelihood(
    trained: Trained, split: str, *, num: Count = 10_000
) -> Measurement:
    """Mean log p(x), or the family's bound on it, with log Z by enumeration.

    Args:
      trained: the model.
      split: of the examples.
      num: examples of the split.

    Returns:
      `log_likelihood`, or `bernoulli_score` of gray pixels, and `log_z`, nats.

    Raises:
      InputError: a family without a partition function, or one with too many units.
    """
    need_machine(trained, "exact_log_likelihood")
    log_z = float(_enumerated(trained.call("machine")))
    batch = trained.examples(split, num)
    scores = unnormalized(trained, batch, split).astype(np.float64) - log_z
    values, intervals = means_of({title_of(trained, batch): scores})
    protocol = {
        "split": split,
        "examples": len(scores),
        "binarized": trained.preparation.binarize,
        "log_z": "enumeration",
    }
    return Measurement({**values, "log_z": log_z}, protocol, intervals)


@metrics.register
@needs("log_unnormalized")
def free_energy_gap(
    trained: Trained, split: str, *, num: Count = 1000, num_train: Count = 1000
) -> Measurement:
    """Mean free energy of held-out examples above that of training ones: it grows with overfitting.

    The partition function cancels.

    Args:
      trained: the model.
      split: of the held-out examples.
      num: of these.
      num_train: examples of the train split.

    Returns:
      `gap`, `held_out` and `train`, nats; bounds on them where the family has bounds.

    Raises:
      InputError: a family without a partition function.

    Paper: Hinton 2012, A Practical Guide to Training Restricted Boltzmann Machines, section 6
    """
    need_machine(trained, "free_energy_gap")
    held_out = -unnormalized(trained, trained.examples(split, num), split)
    train = -unnormalized(trained, trained.examples("train", num_train), "train")
    values, intervals = means_of({"held_out": held_out, "train": train})
    values["gap"] = gap = values["held_out"] - values["train"]
    if len(intervals) == 2:
        # Two independent means: their squared errors add up.
        reach = math.hypot(*((high - low) / 2 for low, high in intervals.values()))
        intervals["gap"] = (gap - reach, gap + reach)
    protocol = {
        "split": split,
        "examples": len(held_out),
        "train_examples": len(train),
        "binarized": trained.preparation.binarize,
    }
    return Measurement(values, protocol, intervals)


_enumerated = jax.jit(exact_products(exact.log_partition))
