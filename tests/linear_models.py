"""Trained models whose maps are known matrices, and data whose principal subspace is known."""

import jax
import jax.numpy as jnp
import numpy as np

from genlab.data.dataset import Dataset
from genlab.data.prepare import Preparation
from genlab.data.split import ArraySplit
from genlab.game.turn import State
from genlab.trained.trained import Trained


class LinearCoder:
    """Code x W of `x: [B, ...]`, decoded as z V; the filters of the first layer are W's columns."""

    def init(self, key, batch):
        size = batch["x"][0].size
        encoder = jax.random.normal(key, (size, 2))
        blank = jnp.zeros(batch["x"].shape[1:])
        return {"encoder": encoder, "decoder": encoder.T, "blank": blank}, {}

    def followers(self, params):
        return {}

    def view(self, state):
        return state.params, state.extra

    def encode(self, params, extra, x):
        return x.reshape(len(x), -1) @ params["encoder"]

    def decode(self, params, extra, z):
        return (z @ params["decoder"]).reshape(len(z), *params["blank"].shape)

    def reconstruct(self, params, extra, x):
        return self.decode(params, extra, self.encode(params, extra, x))

    def filters(self, params, extra):
        return params["encoder"].T.reshape(-1, *params["blank"].shape)


def linear_model(train, test, encoder, decoder=None) -> Trained:
    """A trained `LinearCoder`.

    Args:
      train: arrays of the train split, `x: [N, ...]` and perhaps `label: [N]`.
      test: those of validation and test.
      encoder: [D, K], W.
      decoder: [K, D], V; W transposed without it.
    """
    parts = {"train": train, "validation": test, "test": test}
    splits = {
        name: ArraySplit({**arrays, "x": np.float32(arrays["x"])})
        for name, arrays in parts.items()
    }
    shape = train["x"].shape[1:]
    labels = [part["label"] for part in (train, test) if "label" in part]
    classes = 1 + int(max(map(max, labels))) if labels else 0
    data = Dataset("linear", splits, shape, num_classes=classes)
    params = {
        "encoder": jnp.float32(encoder),
        "decoder": jnp.float32(encoder.T if decoder is None else decoder),
        "blank": jnp.zeros(shape),
    }
    return Trained(
        LinearCoder(), State(0, params, {}, {}), data, Preparation((-1.0, 1.0)), 0
    )


def narrow_data(size: int, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """`x: [size, *shape]` of standard deviations 3, 2, 1, .1, .1, ..., and those axes: [D, D]."""
    generator = np.random.default_rng(size)
    dimension = int(np.prod(shape))
    axes, _ = np.linalg.qr(generator.normal(size=(dimension, dimension)))
    scales = np.array([3, 2, 1] + [0.1] * (dimension - 3))
    x = (generator.normal(size=(size, dimension)) * scales) @ axes.T
    return x.reshape(size, *shape), axes
