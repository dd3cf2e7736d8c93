"""Mode coverage: how many modes of a known mixture the samples reach."""

import numpy as np

from genlab.distances.modes import kl_to_even
from genlab.metrics.measurement import Measurement, beside, finite
from genlab.numbers import Count
from genlab.registry import metrics
from genlab.trained.needs import needs
from genlab.trained.trained import Trained

WITHIN = 3  # standard deviations of a centre, where a sample is of high quality


@metrics.register
@needs("modes", "points", "sample")
def mode_coverage(
    trained: Trained, split: str, *, num_samples: Count = 10_000
) -> Measurement:
    """Modes reached and covered, share of high quality and reverse KL, on a mixture of Gaussians.

    A sample is of high quality within 3 standard deviations of a centre, where 1 - exp(-9/2) = 98.9 %
    of the true ones lie. A mode is reached by one such sample, the rule of the literature; it is
    covered where it holds at least a fifth of its fair share of the samples, the rule of genlab. The
    reverse KL is that of the samples, each counted for the nearest centre, to the even mixture.

    Args:
      trained: the model.
      split: where the real points of the floor come from.
      num_samples: of the model, 2,500 in the papers, and of real points at most.

    Returns:
      `modes_reached`, `modes_covered`, `high_quality_share` in [0, 1] and `reverse_kl` in nats, and
      the same with `_floor`, of real points, and where those are fewer `_at_floor`, of as many samples: fewer points
      reach fewer modes, and have a larger KL by chance.

    Raises:
      InputError: more samples than memory holds, or some that are not finite.

    Papers: Srivastava et al. 2017, arXiv:1705.07761; Lin et al. 2018, arXiv:1712.04086
    """
    data, real = trained.data, trained.examples(split, num_samples)["x"]
    sets = beside(finite(trained.sample(num_samples)), real)
    values = {
        f"{name}{suffix}": value
        for suffix, points in sets.items()
        for name, value in count_modes(points, data.modes, data.mode_std).items()
    }
    protocol = {
        "samples": num_samples,
        "modes": len(data.modes),
        "within": f"{WITHIN} standard deviations",
        "floor": f"{len(real)} real points of {split}",
        "seed": trained.seed,
    }
    return Measurement(values, protocol)


def count_modes(
    samples: np.ndarray, centres: np.ndarray, std: float
) -> dict[str, float]:
    """What `mode_coverage` returns of `samples: [N, 2]` for `centres: [M, 2]`."""
    distances = np.linalg.norm(samples[:, None] - centres[None], axis=-1)
    nearest = np.argmin(distances, axis=1)
    good = np.min(distances, axis=1) <= WITHIN * std
    held = np.bincount(nearest[good], minlength=len(centres))
    fair = len(samples) / len(centres)
    return {
        "modes_reached": float(np.sum(held > 0)),
        "modes_covered": float(np.sum(held >= fair / 5)),
        "high_quality_share": float(np.mean(good)),
        "reverse_kl": kl_to_even(np.bincount(nearest, minlength=len(centres))),
    }
