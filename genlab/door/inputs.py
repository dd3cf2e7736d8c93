"""What a model is given from Python, checked before anything is compiled."""

from typing import Any

import jax
import numpy as np

from genlab.errors import InputError
from genlab.part import name_of
from genlab.trained.needs import METHODS, shapes_of, takes_label
from genlab.trained.trained import Trained

_SLACK = 1e-3  # of a range: what an interpolation or a rounding may leave it by


def examples(trained: Trained, x: Any, *, back: bool = False) -> np.ndarray:
    """Examples as the model sees them, `[N, ...]` float32, of floats so or of bytes as they are stored.

    Args:
      trained: the model.
      x: [N, *example_shape] floats in its range of values, or uint8 in [0, 255].
      back: whether they are of the second domain.

    Raises:
      InputError: another shape, type or range.
    """
    data = trained.data
    x = _array(x, "x")
    shape = tuple(data.target_shape if back else data.example_shape)
    if x.shape[1:] != shape or not len(x):
        expected = ", ".join(("N", *map(str, shape)))
        alone = x.shape == shape
        hint = "; x[None] is a batch of one" if alone else ""
        raise InputError(
            f"x has shape {list(x.shape)}; examples of {data.name!r} are [{expected}]{hint}"
        )
    low, high = trained.value_range
    if x.dtype == np.uint8:
        return (low + (high - low) * (x.astype(np.float32) / 255)).astype(np.float32)
    x = _finite(x, "x")
    slack = _SLACK * (high - low)
    # Points are not prepared, and have no range.
    if len(shape) > 1 and (x.min() < low - slack or x.max() > high + slack):
        raise InputError(
            f"x has values from {x.min():g} to {x.max():g}; this model takes [{low:g}, {high:g}],"
            " or bytes, uint8"
        )
    return x


def codes(trained: Trained, z: Any) -> np.ndarray:
    """Codes `[N, ...]` float32 of the length that the model decodes.

    Raises:
      InputError: another shape or type, or a value that is not finite.
    """
    z = _finite(_array(z, "z"), "z")
    shape = _shape_of_codes(trained)
    if shape is not None and (z.shape[1:] != shape or not len(z)):
        expected = ", ".join(("N", *map(str, shape)))
        raise InputError(
            f"z has shape {list(z.shape)}; codes of this model are [{expected}]"
        )
    return z


def labels(trained: Trained, method: str, label: Any, num: int) -> list[np.ndarray]:
    """What a method is given beside its `num` inputs: classes `[num]`, or nothing without a label.

    Raises:
      InputError: the method takes no label, or no such class.
    """
    if label is None:
        return []
    experiment = trained.experiment
    shown = any(network.takes_label for network in experiment.networks.values())
    if not takes_label(experiment, method) or not shown:
        family = name_of(experiment)
        raise InputError(
            f"label={label!r}: {method} of {family!r} takes none; a network 'conditional' does"
        )
    return [trained.classes(label, num)]


def _shape_of_codes(trained: Trained) -> tuple[int, ...] | None:
    """Of one code; None where the family does not say."""
    length = getattr(trained.experiment, "latent_dim", None)
    if length is not None:
        codes = getattr(trained.experiment, "codes", None)
        return (length + (codes.width if codes else 0),)
    if not trained.has("encode") or "encode" not in METHODS:
        return None
    code = shapes_of(trained.experiment, trained.data, "encode")
    return tuple(code.shape[1:]) if isinstance(code, jax.ShapeDtypeStruct) else None


def _array(value: Any, name: str) -> np.ndarray:
    try:
        array = np.asarray(value)
    except (ValueError, TypeError):
        array = np.asarray(None)
    if (
        array.ndim == 0
        or array.dtype.kind not in "fiub"
        and array.dtype.name != "bfloat16"
    ):
        raise InputError(f"{name} is no array of numbers, but a {type(value).__name__}")
    return array


def _finite(array: np.ndarray, name: str) -> np.ndarray:
    array = array.astype(np.float32)
    if not np.isfinite(array).all():
        raise InputError(f"{name} holds a value that is not finite")
    return array
