"""Whether a translation keeps what it should, by the exact factors of the data."""

import jax
import jax.numpy as jnp
import numpy as np

from genlab.errors import InputError, suggest
from genlab.metrics.measurement import Measurement
from genlab.metrics.translations import translate_split
from genlab.registry import metrics
from genlab.trained import Trained


@metrics.register
def factor_agreement(
    trained: Trained, split: str, *, factor: str = "shape", num: int = 1000
) -> Measurement:
    """Share of outputs that are closest to the true target among those with another factor value.

    Every value of the factor, the others kept, is rendered in the second domain; the one with the
    least squared difference from the output is what the output shows.

    Args:
      trained: the model.
      split: where the inputs come from.
      factor: name of the factor.
      num: inputs, an even spread over the split.

    Returns:
      `accuracy` in [0, 1]; `chance` is one over the number of values.

    Raises:
      InputError: the data set cannot render factors, or has no such factor.
    """
    data = trained.data
    if data.render is None or not data.factors:
        raise InputError(
            f"metric 'factor_agreement' needs a data set with factors to render, as"
            f" 'shape_pairs'; {data.name!r} has none"
        )
    if factor not in data.factors:
        raise InputError(
            f"{data.name!r} has no factor {factor!r}{suggest(factor, data.factors)}"
        )
    found = translate_split(trained, split, num=num)
    place, count = list(data.factors).index(factor), data.factors[factor]
    render = jax.jit(data.render)
    errors = []
    for value in range(count):
        rendered = render(jnp.asarray(found.factors).at[:, place].set(value))
        gap = found.outputs - np.asarray(rendered, np.float32) / 255
        errors.append(np.square(gap).mean((1, 2, 3)))
    shown = np.argmin(errors, axis=0)
    agrees = shown == found.factors[:, place]
    return Measurement(
        {"accuracy": float(agrees.mean()), "chance": 1 / count},
        {"split": split, "examples": len(agrees), "factor": factor},
    )
