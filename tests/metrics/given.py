"""Models whose samples are chosen images."""

import functools
import types

import jax
import jax.numpy as jnp
import numpy as np

from genlab.data.prepare import Preparation
from genlab.game.codes import Codes
from genlab.game.prior import FromPrior
from genlab.game.turn import State
from genlab.registry import datasets
from genlab.trained.trained import Trained


class Given:
    """An experiment whose samples are rows of a pool `[N, H, W, C]` of uint8, drawn evenly.

    Attributes:
      pool: the images.
      label: of each, where samples of a class are asked for.
    """

    def __init__(self, pool, label=None):
        self.pool, self.label = jnp.asarray(pool), label
        if label is not None:
            self.sample_classes = self._sample_classes

    def init(self, key, batch):
        return {}, {}

    def view(self, state):
        return state.params, state.extra

    def sample(self, params, extra, key, num):
        rows = jax.random.randint(key, (num,), 0, len(self.pool))
        return self.pool[rows] / 127.5 - 1

    def _sample_classes(self, params, extra, label, key):
        same = jnp.asarray(self.label)[None] == label[:, None]
        rows = jax.random.categorical(key, jnp.where(same, 0.0, -jnp.inf))
        return self.pool[rows] / 127.5 - 1


class Linear(Given):
    """An experiment whose images are linear in their latents, `pixels = 1/2 + z @ weights / 2`."""

    DECODER, latent_dim, codes = "decoder", 3, Codes()
    latents = FromPrior.latents

    def __init__(self, weights):
        super().__init__(np.zeros((1, 8, 8, 1), np.uint8))
        self.weights = weights
        self.networks = {"decoder": types.SimpleNamespace(takes_label=False)}

    def decode(self, params, extra, z):
        return (z @ self.weights).reshape(-1, 8, 8, 1)


@functools.cache
def digits(**knobs):
    return datasets.build("digits", **knobs)()


def stored(split, num=None, **knobs):
    """Images of the digits as they are stored, and their labels."""
    raw = digits(**knobs).splits[split]
    found = raw.gather(np.arange(raw.size)[:num])
    return found["x"], found["label"]


def model(pool, label=None, **knobs):
    """A model of the digits that makes images of `pool`."""
    return trained(Given(pool, label), **knobs)


def trained(experiment, **knobs):
    """The view on an experiment of the digits in [-1, 1]."""
    preparation, state = Preparation((-1.0, 1.0)), State(0, {}, {}, {})
    return Trained(experiment, state, digits(**knobs), preparation, 7)
