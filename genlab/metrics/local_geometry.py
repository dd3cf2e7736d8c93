"""How the encoder bends the space around examples, in numbers."""

from collections.abc import Sequence

import numpy as np

from genlab.errors import InputError
from genlab.game import rng
from genlab.geometry.contraction import contraction, random_directions
from genlab.geometry.jacobian import effective_dimension
from genlab.geometry.model import singular_values_of
from genlab.metrics.measurement import Measurement
from genlab.numbers import Count, Positive
from genlab.registry import metrics
from genlab.trained.needs import needs
from genlab.trained.trained import Trained


@metrics.register
@needs("encode")
def local_geometry(
    trained: Trained,
    split: str,
    *,
    num: Count = 200,
    radii: Sequence[Positive] = (0.1, 1.0, 4.0),
) -> Measurement:
    """Effective dimension and norm of the encoder's Jacobian, and contraction at some distances.

    All are means over examples. The effective dimension is the participation ratio of the squared
    singular values; contraction is the distance of the codes per distance of the inputs in one
    random direction from each example.

    Args:
      trained: the model.
      split: where the examples come from.
      num: examples, an even spread over the split.
      radii: distances of the inputs above 0, in units of the examples.

    Returns:
      `effective_dimension`, `jacobian_norm` (Frobenius), and `contraction_R` for each radius R.

    Raises:
      InputError: no `encode`, or a radius that is not above 0.

    Paper: Rifai et al. 2011, Contractive Auto-Encoders, ICML
    """
    if wrong := [radius for radius in radii if radius <= 0]:
        raise InputError(f"radius {wrong[0]} is not a distance; take one above 0")
    x = trained.examples(split, num)["x"]
    stretch = singular_values_of(trained, "encode", x)
    directions = random_directions(rng.stream(trained.seed, "contraction"), x.shape)
    values = {
        "effective_dimension": float(np.mean(effective_dimension(stretch))),
        "jacobian_norm": float(np.linalg.norm(stretch, axis=1).mean()),
    }
    if radii:
        ratios = contraction(lambda x: trained.call("encode", x), x, directions, radii)
        means = np.asarray(ratios).mean(axis=0)
        for radius, mean in zip(radii, means, strict=True):
            values[f"contraction_{radius:g}"] = float(mean)
    return Measurement(
        values, {"split": split, "examples": len(x), "directions_per_example": 1}
    )
