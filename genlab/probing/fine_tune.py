"""The encoder of a run and a linear layer on its codes, trained together on labels."""

import functools
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np
import optax
from sklearn.base import BaseEstimator, ClassifierMixin

from genlab.game.experiment import Array, Experiment, PyTree
from genlab.trained.encoding import encoding, in_chunks
from genlab.trained.trained import Trained

RATES = (1e-4, 1e-3, 1e-2)
STEPS, BATCH = 400, 64


class FineTuned(ClassifierMixin, BaseEstimator):
    """A classifier by Adam on the parameters of an encoder and of a linear layer on its codes.

    The layer starts at 0, behind codes that have mean 0 and variance 1 over the fitted examples before the
    first step. The encoder is used as it encodes, without dropout and with the averages of its norms; an encoder from
    scratch has none yet, and does without normalising.

    Args:
      trained: the model.
      start: parameters and further variables of the model, where the encoder starts.
      rate: of Adam; it falls to 0 by a half cosine.
      steps: of `BATCH` examples, drawn with replacement.
      seed: of the draws.
    """

    def __init__(
        self,
        trained: Trained,
        start: Any,
        rate: float,
        steps: int = STEPS,
        seed: int = 0,
    ):
        self.trained, self.start, self.rate = trained, start, rate
        self.steps, self.seed = steps, seed

    def fit(self, x: np.ndarray, label: np.ndarray) -> Self:
        """Trains on `x: [N, D]`, examples in rows, and `label: [N]`."""
        self.classes_, target = np.unique(label, return_inverse=True)
        rows = np.random.default_rng(self.seed).integers(
            len(x), size=(self.steps, BATCH)
        )
        codes = in_chunks(self._encoded(self.start), self._shaped(x))
        spread = codes.std(axis=0)
        spread = np.where(spread > 1e-6, spread, 1)  # units that never change stay
        scale = codes.mean(axis=0), 1 / spread
        layer = np.zeros((codes.shape[1] + 1, len(self.classes_)), np.float32)
        tune = functools.partial(_tuned, encoding(self.trained))
        params, layer = self.trained.compile("fine-tune", tune)(
            *(*self.start, layer, scale, *_filled(self._shaped(x), target), rows),
            np.float32(self.rate),
        )
        self._found = (params, self.start[1]), layer, scale
        return self

    def predict(self, x: np.ndarray) -> np.ndarray:
        """The class of each of `x: [M, D]`: [M]."""
        variables, layer, scale = self._found
        codes = in_chunks(self._encoded(variables), self._shaped(x))
        return self.classes_[np.argmax(_logits(codes, layer, scale), axis=1)]

    def _shaped(self, x: np.ndarray) -> np.ndarray:
        shape = self.trained.data.example_shape
        return np.asarray(x, np.float32).reshape(len(x), *shape)

    def _encoded(self, variables: Any):
        encode = functools.partial(_codes, encoding(self.trained))
        return functools.partial(self.trained.compile("codes", encode), *variables)


def _filled(*arrays: np.ndarray) -> list[np.ndarray]:
    """Arrays `[N, ...]` with zeros behind up to a power of two, so that few sizes are compiled."""
    missing = (1 << (len(arrays[0]) - 1).bit_length()) - len(arrays[0])
    return [np.pad(one, [(0, missing)] + [(0, 0)] * (one.ndim - 1)) for one in arrays]


def _codes(
    method: str, experiment: Experiment, params: PyTree, extra: PyTree, x: Array
) -> Array:
    code = getattr(experiment, method)(params, extra, x)
    return code.reshape(len(x), -1).astype(jnp.float32)


def _logits(codes: Any, layer: Any, scale: Any) -> Any:
    mean, width = scale
    return ((codes - mean[None]) * width[None]) @ layer[:-1] + layer[-1:]


def _tuned(
    method: str,
    experiment: Experiment,
    params: PyTree,
    extra: PyTree,
    layer: Array,
    scale: tuple[Array, Array],
    x: Array,
    target: Array,
    rows: Array,
    rate: Array,
) -> tuple[PyTree, Array]:
    """Parameters and the layer after a step of Adam on each of the batches `rows: [S, B]` of `x: [N, ...]`."""
    schedule = optax.cosine_decay_schedule(1.0, len(rows))
    transform = optax.adam(lambda step: rate * schedule(step))

    def loss(moved: tuple[PyTree, Array], x: Array, target: Array) -> Array:
        params, layer = moved
        logits = _logits(_codes(method, experiment, params, extra, x), layer, scale)
        return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(logits, target))

    def step(held: tuple, batch: Array) -> tuple[tuple, None]:
        moved, state = held
        slope = jax.grad(loss)(moved, x[batch], target[batch])
        update, state = transform.update(slope, state, moved)
        return (optax.apply_updates(moved, update), state), None

    moved = params, layer
    (moved, _), _ = jax.lax.scan(step, (moved, transform.init(moved)), rows)
    return moved
