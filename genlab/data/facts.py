"""What an example is, kept in a run's folder, so that a trained run can be used without its data."""

import base64
import math
from collections.abc import Mapping
from typing import Any, NoReturn

import jax
import jax.numpy as jnp
import numpy as np

from genlab import values
from genlab.data.dataset import Dataset
from genlab.data.split import Split
from genlab.errors import InputError

# What `Dataset` says beside its splits, and JSON keeps.
_PLAIN = ("name", "num_classes", "mode_std", "paired")
_LATER = ("lowest_pitch",)  # that runs of earlier versions do not say
_TUPLES = ("example_shape", "class_names", "target_shape")
_DICTS = ("factors", "left_out")


class ExamplesAbsent(InputError):
    """Somebody asks for examples of a run that was opened without its data."""


class AbsentSplit(Split):
    """A split of which a run's folder keeps the size and nothing else.

    Args:
      name: of the data set.
      size: number of examples.
      mean: what `statistics.example_mean` said of the train split, where it was asked.
      span: what `statistics.example_range` said.
    """

    def __init__(
        self,
        name: str,
        size: int,
        mean: np.ndarray | None = None,
        span: tuple[float, float] | None = None,
    ):
        self.size, self.nbytes = size, 0
        self.mean, self.span = mean, span
        self._name = name

    def gather(self, indices: np.ndarray) -> NoReturn:
        raise ExamplesAbsent(
            f"this needs examples of {self._name!r}, and the run was opened without its data; eval"
            " reads them (--config.data.name= where they have moved)"
        )

    def resident(self) -> None:
        return None

    def lookup(self, resident: Any, indices: Any) -> NoReturn:
        self.gather(indices)

    def load(self) -> "AbsentSplit":
        return self


def blank_batch(data: Dataset) -> dict[str, jax.Array]:
    """Two blank examples with all that comes with one in training, leaves `[2, ...]`, for shapes.

    Of data that are not there it is `x`, `y` and `label` alone.
    """
    shapes = {"x": data.example_shape, "y": data.target_shape}
    blank = {name: jnp.zeros((2, *shape)) for name, shape in shapes.items() if shape}
    blank["index"] = jnp.zeros(2, jnp.int32)
    if data.num_classes:
        blank["label"] = jnp.zeros(2, jnp.int32)
    train = data.splits["train"]
    if not isinstance(train, AbsentSplit):
        for name, leaf in _two_of(train).items():
            if name not in blank:
                blank[name] = jnp.zeros(leaf.shape, leaf.dtype)
    return blank


def _two_of(split: Split) -> Mapping[str, Any]:
    """Two raw examples; of those that are computed their shapes alone, with nothing compiled."""
    if split.nbytes:
        return split.gather(np.zeros(2, np.int64))
    rows = jax.ShapeDtypeStruct((2,), jnp.int32)
    return jax.eval_shape(split.lookup, split.resident(), rows)


def facts_of(
    source: Dataset, span: tuple[float, float] | None, mean: np.ndarray | None
) -> dict[str, Any]:
    """Plain values from which `without_examples` makes the data set again.

    Args:
      source: before any of its examples were chosen or prepared.
      span: of the prepared examples, where the experiment asks for it.
      mean: of the examples, where a network starts from it.

    Raises:
      InputError: a description that JSON does not keep.
    """
    plain = {key: getattr(source, key) for key in (*_PLAIN, *_LATER)}
    lists = {key: list(getattr(source, key)) for key in _TUPLES}
    dicts = {key: dict(getattr(source, key)) for key in _DICTS}
    facts = {
        **plain,
        **lists,
        **dicts,
        "modes": None if source.modes is None else np.asarray(source.modes).tolist(),
        "splits": {name: split.size for name, split in source.splits.items()},
        "span": None if span is None else list(span),
        "mean": None if mean is None else _packed(mean),
    }
    return values.check(facts, "data")


def without_examples(facts: Mapping[str, Any]) -> Dataset:
    """The data set that the facts are of, whose splits have sizes and no examples.

    Raises:
      InputError: facts that `facts_of` did not write.
    """
    try:
        shape, name = tuple(facts["example_shape"]), facts["name"]
        mean = None if facts["mean"] is None else _unpacked(facts["mean"])
        span = facts["span"] and (float(facts["span"][0]), float(facts["span"][1]))
        splits = {
            split: AbsentSplit(name, int(size), mean, span)
            for split, size in facts["splits"].items()
        }
        modes = facts["modes"]
        return Dataset(
            splits=splits,
            modes=None if modes is None else np.array(modes, np.float32),
            **{key: facts[key] for key in (*_PLAIN, *_LATER) if key in facts},
            **{key: tuple(facts[key]) for key in _TUPLES if key != "example_shape"},
            **{key: dict(facts[key]) for key in _DICTS},
            example_shape=tuple(_side(side) for side in shape),
        )
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise InputError(
            f"config.json does not say what an example is ({error!r}); 'facts' is not what a run"
            " writes"
        ) from None


def _side(side: Any) -> int:
    if not isinstance(side, int) or side < 1:
        raise ValueError(f"example_shape has the side {side!r}")
    return side


def _packed(mean: np.ndarray) -> dict[str, Any]:
    content = base64.b64encode(mean.astype("<f4").tobytes()).decode()
    return {"shape": list(mean.shape), "float32": content}


def _unpacked(packed: Mapping[str, Any]) -> np.ndarray:
    shape = tuple(packed["shape"])
    mean = np.frombuffer(base64.b64decode(packed["float32"]), "<f4")
    if mean.size != math.prod(shape):
        raise ValueError("mean")
    return mean.reshape(shape)
