"""How much the outputs for one input differ."""

import numpy as np

from genlab.errors import InputError
from genlab.metrics.measurement import Measurement
from genlab.metrics.translations import (
    BATCH,
    call_in_batches,
    need_translation,
    to_unit,
)
from genlab.registry import metrics
from genlab.trained import Trained


@metrics.register
def diversity(
    trained: Trained, split: str, *, num: int = 64, draws: int = 8
) -> Measurement:
    """Mean L1 of outputs for one input with other noise, beside that of other targets.

    Args:
      trained: the model.
      split: where the inputs come from.
      num: inputs, an even spread over the split.
      draws: outputs of each, 2 or more.

    Returns:
      `l1_draws`, over all pairs of draws of an input, and `l1_targets`, over targets of neighbouring
      inputs, both in [0, 1]; `share`, their ratio, 0 for a deterministic model.

    Raises:
      InputError: the experiment does not translate, fewer than two draws or inputs.

    Paper: Zhu et al. 2017, arXiv:1711.11586, with L1 for LPIPS
    """
    need_translation(trained, num)
    examples = trained.examples(split, num, spread=True)
    if draws < 2 or len(examples["x"]) < 2:
        raise InputError(
            f"diversity of {draws} draws of {len(examples['x'])} inputs; 2 or more of both"
            " are needed"
        )
    outputs = np.stack(
        [
            to_unit(
                trained,
                call_in_batches(trained, "translate", examples["x"], BATCH, draw),
            )
            for draw in range(draws)
        ]
    )
    pairs = [
        np.abs(outputs[i] - outputs[j]).mean() for i in range(draws) for j in range(i)
    ]
    targets = to_unit(trained, examples["y"])
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
        "seed": trained.seed,
    }
    return Measurement(values, protocol)
