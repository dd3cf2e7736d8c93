"""How much the outputs for one input differ."""

import numpy as np

from genlab.data.dataset import Dataset
from genlab.errors import InputError
from genlab.game.experiment import Experiment
from genlab.metrics.measurement import Measurement
from genlab.metrics.translations import call_in_batches, to_unit
from genlab.numbers import Count
from genlab.registry import metrics
from genlab.trained.needs import needs
from genlab.trained.trained import Trained


@metrics.register
@needs("translate")
def diversity(
    trained: Trained, split: str, *, num: Count = 64, draws: Count = 8
) -> Measurement:
    """Mean L1 of outputs for one input with other noise, beside that of other targets.

    Args:
      trained: the model.
      split: where the inputs come from.
      num: inputs, 2 or more, an even spread over the split.
      draws: outputs of each, 2 or more.

    Returns:
      `l1_draws`, over all pairs of draws of an input, and `l1_targets`, over targets of inputs paired at
      random, both in [0, 1]; `share`, their ratio, 0 for a deterministic model.

    Raises:
      InputError: the experiment does not translate, fewer than two draws or inputs.

    Paper: Zhu et al. 2017, arXiv:1711.11586, with L1 for LPIPS
    """
    inputs = min(num, trained.data.splits[split].size)
    _check(trained.experiment, trained.data, num=inputs, draws=draws)
    examples = trained.examples(split, num)
    outputs = np.stack(
        [
            to_unit(trained, call_in_batches(trained, "translate", examples["x"], draw))
            for draw in range(draws)
        ]
    )
    pairs = [
        np.abs(outputs[i] - outputs[j]).mean() for i in range(draws) for j in range(i)
    ]
    targets = to_unit(trained, examples["y"])
    # In their own order, spread over a sorted split, neighbours are never of one class.
    targets = np.random.default_rng(0).permutation(targets)
    apart = float(np.abs(targets - np.roll(targets, 1, axis=0)).mean())
    between = float(np.mean(pairs))
    values = {
        "l1_draws": between,
        "l1_targets": apart,
        "share": between / max(apart, 1e-12),
    }
    protocol = {
        "split": split,
        "inputs": len(targets),
        "draws": draws,
        "range": "[0, 1]",
        "batch_size": trained.batch_size,
        "seed": trained.seed,
    }
    return Measurement(values, protocol)


def _check(experiment: Experiment, data: Dataset, *, num: int, draws: int) -> None:
    del experiment, data
    if min(num, draws) < 2:
        raise InputError(
            f"diversity of {draws} draws of {num} inputs; 2 or more of both are needed"
        )


diversity.check = _check
