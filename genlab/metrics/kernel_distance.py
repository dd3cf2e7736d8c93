"""Distances of samples to real images that take no features to be Gaussian: KID, MMD, slices."""

from genlab.distances.kernel import (
    gaussian,
    kernel_inception_distance,
    median_bandwidth,
    squared_discrepancy,
)
from genlab.distances.sliced import sliced_wasserstein
from genlab.errors import InputError
from genlab.metrics.measurement import Measurement, estimates
from genlab.metrics.sample_features import NUM, Choice, check, compare
from genlab.metrics.seen import Seen
from genlab.numbers import Count, Positive, Seed
from genlab.registry import metrics
from genlab.trained.needs import needs
from genlab.trained.trained import Trained


@metrics.register
@needs("images", "sample")
def kid(
    trained: Trained,
    split: str,
    *,
    features: Choice = "random",
    num: Count = NUM,
    num_reference: Count = NUM,
    reference: str = "train",
    seed: Seed = 0,
    subsets: Count = 100,
    subset_size: Count = 1000,
) -> Measurement:
    """Squared kernel distance of samples x to real images y in F features, KID in those of Inception.

    E k(x, x') + E k(y, y') - 2 E k(x, y) with k(x, y) = (x.y / F + 1)^3.

    Args:
      trained: the model.
      split: where the real images of the floor come from.
      features: as of `frechet`.
      num: samples.
      num_reference: real images of the reference split.
      reference: as of `frechet`.
      seed: of the samples and of the subsets.
      subsets: draws of both sets, over which the mean is taken.
      subset_size: images of each in a draw; all, where there are fewer.

    Returns:
      `kid_FEATURES`, without a unit, and the same with `_floor` and `_at_floor`; unbiased, so that
      values of equal distributions lie around 0 whatever the count. Intervals are by the jackknife
      over the images and the deviation of the subsets, the reference as it is.

    Raises:
      InputError: as `frechet`.

    Paper: Binkowski et al. 2018, arXiv:1801.01401
    """
    seen = compare(trained, split, features, num, num_reference, reference, seed)
    truth, name = seen.reference.features, f"kid_{seen.name}"
    size = lambda ours: min(subset_size, len(ours), len(truth))

    def one(ours: Seen) -> tuple[float, float, int]:
        drawn = dict(subsets=subsets, size=size(ours), seed=seed)
        found = kernel_inception_distance(ours.features, truth, **drawn)
        return found.value, found.error, min(len(ours), subsets)

    values, intervals = estimates(name, seen.sets(), one)
    sizes = {f"{name}{suffix}": size(ours) for suffix, ours in seen.sets().items()}
    protocol = {**seen.protocol, "subsets": subsets, "subset_size": sizes}
    return Measurement(values, protocol, intervals)


@metrics.register
@needs("images", "sample")
def gaussian_discrepancy(
    trained: Trained,
    split: str,
    *,
    features: Choice = "random",
    num: Count = NUM,
    num_reference: Count = NUM,
    reference: str = "train",
    seed: Seed = 0,
    bandwidth: Positive | None = None,
) -> Measurement:
    """Squared maximum mean discrepancy of samples x and real images y by a Gaussian kernel.

    E k(x, x') + E k(y, y') - 2 E k(x, y) with k(x, y) = exp(-||x - y||^2 / (2 bandwidth^2)).

    `cmmd` is the one in features of CLIP of length 1 with a bandwidth of 10, times 1,000.

    Args:
      trained: the model.
      split: where the real images of the floor come from.
      features: as of `frechet`.
      num: samples.
      num_reference: real images of the reference split.
      reference: as of `frechet`.
      seed: of the samples.
      bandwidth: of the kernel, in the unit of the features; None takes the median distance of two
        reference images. Values of unlike bandwidths are not compared.

    Returns:
      `discrepancy_FEATURES`, without a unit, unbiased, at most 2, and the same with `_floor` and
      `_at_floor`; intervals by the jackknife over the images, the reference as it is.

    Raises:
      InputError: as `frechet`, or reference images that are all the same.

    Paper: Jayasumana et al. 2024, arXiv:2401.09603
    """
    seen = compare(trained, split, features, num, num_reference, reference, seed)
    truth = seen.reference.features
    width = bandwidth or median_bandwidth(truth)
    if not width:
        raise InputError(
            "the reference images have a median distance of 0; name a bandwidth"
        )

    def one(ours: Seen) -> tuple[float, float, int]:
        found = squared_discrepancy(ours.features, truth, gaussian(width))
        return found.value, found.error, len(ours)

    values, intervals = estimates(f"discrepancy_{seen.name}", seen.sets(), one)
    return Measurement(values, {**seen.protocol, "bandwidth": width}, intervals)


@metrics.register
@needs("images", "sample")
def sliced_distance(
    trained: Trained,
    split: str,
    *,
    features: Choice = "random",
    num: Count = NUM,
    num_reference: Count = NUM,
    reference: str = "train",
    seed: Seed = 0,
    projections: Count = 1000,
) -> Measurement:
    """Squared sliced Wasserstein-2 distance of samples x to real images y.

    E W2^2(u.x, u.y) over lines u, uniform on the sphere; on a line W2^2 is the integral over q of the
    squared gap of both q-quantiles. MIND is 3 F times that in the F features of Inception.

    Args:
      trained: the model.
      split: where the real images of the floor come from.
      features: as of `frechet`.
      num: samples.
      num_reference: real images of the reference split.
      reference: as of `frechet`.
      seed: of the samples and of the lines.
      projections: random lines.

    Returns:
      `sliced_FEATURES`, in the squared unit of the features, and the same with `_floor` and `_at_floor`;
      intervals by the jackknife over the images and the deviation of the lines, the reference as it is.

    Raises:
      InputError: as `frechet`.

    Paper: Berthet et al. 2026, arXiv:2605.06797
    """
    seen = compare(trained, split, features, num, num_reference, reference, seed)

    def one(ours: Seen) -> tuple[float, float, int]:
        found = sliced_wasserstein(
            ours.features, seen.reference.features, projections=projections, seed=seed
        )
        return found.value, found.error, min(len(ours), projections)

    values, intervals = estimates(f"sliced_{seen.name}", seen.sets(), one)
    return Measurement(values, {**seen.protocol, "projections": projections}, intervals)


kid.check = gaussian_discrepancy.check = sliced_distance.check = check
