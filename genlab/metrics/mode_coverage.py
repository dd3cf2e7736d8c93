"""Mode coverage: how many modes of a known mixture the samples reach."""

import numpy as np

from genlab.metrics.measurement import Measurement
from genlab.numbers import Count
from genlab.registry import metrics
from genlab.trained.needs import needs
from genlab.trained.trained import Trained


@metrics.register
@needs("modes", "points", "sample")
def mode_coverage(
    trained: Trained, split: str, *, num_samples: Count = 10_000
) -> Measurement:
    """Modes covered, and the share of samples of high quality, on a mixture of Gaussians.

    A sample is of high quality within 3 standard deviations of a centre; a mode is covered when it
    holds at least a fifth of its fair share of the samples.

    Args:
      trained: the model.
      split: plays no part; the modes are those of the distribution.
      num_samples: of the model.

    Returns:
      `modes_covered`, how many, and `high_quality_share` in [0, 1].

    Raises:
      InputError: more samples than memory holds.

    Paper: Srivastava et al. 2017, arXiv:1705.07761; the share that covers a mode is genlab's
    """
    del split
    values = count_modes(
        trained.sample(num_samples), trained.data.modes, trained.data.mode_std
    )
    return Measurement(
        values, {"samples": num_samples, "modes": len(trained.data.modes)}
    )


def count_modes(
    samples: np.ndarray, centres: np.ndarray, std: float
) -> dict[str, float]:
    """Modes covered and high-quality share of `samples: [N, 2]` for `centres: [M, 2]`."""
    distances = np.linalg.norm(samples[:, None] - centres[None], axis=-1)
    nearest = np.argmin(distances, axis=1)
    good = np.min(distances, axis=1) <= 3 * std
    held = np.bincount(nearest[good], minlength=len(centres))
    fair = len(samples) / len(centres)
    return {
        "modes_covered": float(np.sum(held >= fair / 5)),
        "high_quality_share": float(np.mean(good)),
    }
