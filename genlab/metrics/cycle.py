"""Whether a translation can be undone, and whether it hides in noise how."""

import numpy as np

from genlab.game import rng
from genlab.metrics.measurement import Measurement
from genlab.metrics.translations import call_in_batches, to_unit
from genlab.numbers import Count, NonNegative
from genlab.registry import metrics
from genlab.trained.needs import needs
from genlab.trained.trained import Trained

_WAYS = {"x": ("translate", "translate_back"), "y": ("translate_back", "translate")}


@metrics.register
@needs("translate", "translate_back")
def cycle(
    trained: Trained, split: str, *, num: Count = 500, noise: NonNegative = 0.02
) -> Measurement:
    """L1 of images from their way there and back, also with noise on what is in between.

    A generator may hide the input in details of its output that nobody sees, for the other to read.
    Noise on the output destroys such a message: `noise_gain` is the mean change of the returned image
    over that of the one in between, about 1 where the way back is smooth and far above it where it
    reads fine details.

    Args:
      trained: the model.
      split: where the examples come from.
      num: examples, an even spread over the split.
      noise: standard deviation of the Gaussian noise, in [0, 1] of black to white.

    Returns:
      `l1` (the mean of both), and for the domains x and y `l1_x`, `l1_noisy_x`, `noise_gain_x`.

    Raises:
      InputError: the experiment does not translate both ways.

    Paper: Zhu et al. 2017, arXiv:1703.10593; Chu et al. 2017, arXiv:1712.02950
    """
    examples = trained.examples(split, num)
    low, high = trained.value_range
    values = {}
    for domain, (there, back) in _WAYS.items():
        images = examples[domain]
        between = call_in_batches(trained, there, images)
        key = rng.stream(trained.seed, f"cycle noise/{domain}")
        shift = (high - low) * noise * np.asarray(rng.normal(key, between.shape))
        noisy = np.clip(between + shift, low, high)
        clean, shaken, true = (
            to_unit(trained, a)
            for a in (
                call_in_batches(trained, back, between),
                call_in_batches(trained, back, noisy),
                images,
            )
        )
        moved = np.abs(to_unit(trained, noisy) - to_unit(trained, between)).mean()
        values |= {
            f"l1_{domain}": float(np.abs(clean - true).mean()),
            f"l1_noisy_{domain}": float(np.abs(shaken - true).mean()),
            f"noise_gain_{domain}": float(
                np.abs(shaken - clean).mean() / max(moved, 1e-12)
            ),
        }
    values["l1"] = (values["l1_x"] + values["l1_y"]) / 2
    protocol = {
        "split": split,
        "examples": len(examples["x"]),
        "range": "[0, 1]",
        "noise": noise,
        "batch_size": trained.batch_size,
        "seed": trained.seed,
    }
    return Measurement(values, protocol)
