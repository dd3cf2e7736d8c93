"""CMMD: a kernel distance of samples to real images in the features of CLIP."""

from typing import Any

from genlab.distances.kernel import gaussian, squared_discrepancy
from genlab.metrics.measurement import Measurement, estimates
from genlab.metrics.sample_features import NUM, check, compare
from genlab.metrics.seen import Seen
from genlab.numbers import Count, Seed
from genlab.registry import metrics
from genlab.trained.needs import needs
from genlab.trained.trained import Trained

BANDWIDTH = 10.0
SCALE = 1000


@metrics.register
@needs("images", "sample")
def cmmd(
    trained: Trained,
    split: str,
    *,
    weights: str = "",
    num: Count = NUM,
    num_reference: Count = NUM,
    reference: str = "train",
    seed: Seed = 0,
) -> Measurement:
    """CLIP maximum mean discrepancy: that of `gaussian_discrepancy` in CLIP's features, times 1,000.

    The bandwidth is 10, the features are those of ViT-L/14 at 336 px, of length 1. The public code
    takes the mean over all pairs, an example with itself among them, which adds about
    (1 - E k(x, x')) 1,000 / N for each set; this one leaves those pairs out, as the paper has it.

    Args:
      trained: the model.
      split: where the real images of the floor come from.
      weights: file of CLIP's weights, which are not shipped.
      num: samples.
      num_reference: real images of the reference split.
      reference: as of `frechet`.
      seed: of the samples.

    Returns:
      `cmmd`, without a unit, unbiased, and the same with `_floor` and `_at_floor`; intervals by the
      jackknife over the images, the reference as it is.

    Raises:
      InputError: no weights, or other ones; and as `frechet`.

    Paper: Jayasumana et al. 2024, arXiv:2401.09603
    """
    seen = compare(trained, split, _clip(weights), num, num_reference, reference, seed)

    def one(ours: Seen) -> tuple[float, float, int]:
        kernel = gaussian(BANDWIDTH)
        found = squared_discrepancy(ours.features, seen.reference.features, kernel)
        return SCALE * found.value, SCALE * found.error, len(ours)

    values, intervals = estimates("cmmd", seen.sets(), one)
    protocol = {**seen.protocol, "bandwidth": BANDWIDTH, "scale": SCALE}
    return Measurement(values, protocol, intervals)


def _clip(weights: str) -> dict[str, str]:
    return dict(name="clip", weights=weights)


def _check(experiment: Any, data: Any, *, weights: str, **knobs: Any) -> None:
    check(experiment, data, features=_clip(weights), **knobs)


cmmd.check = _check
