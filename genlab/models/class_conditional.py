"""Any network told the class inside: generators by their norms, discriminators by a projection."""

import dataclasses
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.errors import InputError
from genlab.models.wrapper import Wrapper
from genlab.nn.classes import looked_up
from genlab.nn.norm import replacing_batch_norms
from genlab.numbers import Count
from genlab.registry import models

Array = jax.Array


@models.register
class ConditionalBatchNorm(Wrapper):
    """A network whose every batch normalisation has a scale and a bias for each class.

    Scales start at 1 and biases at 0, so that training starts from the unconditional network.

    Paper: Dumoulin, Shlens & Kudlur 2017, arXiv:1610.07629; in GANs: Miyato & Koyama 2018,
      arXiv:1802.05637

    Attributes:
      network: the network inside, `dict(name="dcgan_generator")`.
      num_classes: number of classes.
    """

    num_classes: Count

    def __call__(self, *inputs: Array, label: Array, train: bool = False) -> Any:
        """What the network makes of its inputs and of `label: [B]` int in [0, num_classes), or of weights of
        all classes, [B, num_classes].

        Raises:
          InputError: nothing is batch-normalised inside.
        """

        def of_class(layer: nn.Module, name: str, shape: tuple[int, ...]) -> Array:
            start = nn.initializers.constant(1.0 if name == "scale" else 0.0)
            shape = (self.num_classes, *shape)
            return looked_up(layer.param(f"class_{name}", start, shape), label)

        def of_classes(layer: nn.Module, call: Callable, x: Array, **how: Any) -> Array:
            affine = lambda name, init, shape: of_class(layer, name, shape)
            return call(x, affine=affine, **how)

        with replacing_batch_norms(of_classes, self.network):
            return self.network(*inputs, train=train)


@models.register
class Projection(Wrapper):
    """A discriminator that adds to its logit how well the features fit the class.

    D(x, y) = w . phi(x) + b + v_y . phi(x), phi the features before the last layer, which this
    one replaces.

    Paper: Miyato & Koyama 2018, arXiv:1802.05637

    Attributes:
      network: the discriminator inside, `dict(name="resnet_discriminator")`.
      num_classes: number of classes.
      embedding: what v_y is a linear function of, `dict(name="sentence")`; None for a v of each class.
      tells_classes: whether it also tells the logits of all classes, v_k . phi(x), for the objective
        `class_likelihood`.
    """

    num_classes: Count
    tells_classes: bool = False
    embedding: Any = dataclasses.field(default=None, metadata={"part": "models"})

    def features(self, *inputs: Array, **named: Any) -> Array:
        """Those of the network inside, [B, F]."""
        return self.inner_features(*inputs, **named)

    @nn.compact
    def __call__(
        self, *inputs: Array, label: Array, train: bool = False
    ) -> Array | dict[str, Array]:
        """Maps what the network inside takes, and `label: [B]` or weights of all classes, to logits
        [B], float32; with `tells_classes` to these as `logits` and to `classes: [B, num_classes]`."""
        features = self.inner_features(*inputs, train=train).astype(jnp.float32)
        logits = nn.Dense(1, name="head")(features)[:, 0]
        width, every = features.shape[-1], jnp.arange(self.num_classes)
        if self.embedding is None:
            table = nn.Embed(self.num_classes, width, name="classes")
            vector = lambda label: looked_up(table.embedding, label)
        else:
            dense = nn.Dense(width, use_bias=False, name="classes")
            vector = lambda label: dense(self.embedding(label, train=train))
        logits += jnp.sum(vector(label) * features, axis=-1)
        if not self.tells_classes:
            return logits
        return {"logits": logits, "classes": features @ vector(every).T}


@models.register
class TellsClasses(Wrapper):
    """The classifier in a `projection` that tells classes: of an image alone, the logits of them all.

    As a stage before a game it makes the discriminator see what classes, or captions, differ in, and
    teaches the words that they are written in.

    Attributes:
      network: `dict(name="projection", tells_classes=True, network=...)`.
    """

    def features(self, x: Array, *, train: bool = False) -> Array:
        """Those of the network inside, [B, F]."""
        return self.inner_features(x, train=train)

    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """Maps `x: [B, ...]` to logits [B, num_classes], float32.

        Raises:
          InputError: the network inside tells no classes.
        """
        unasked = jnp.zeros(x.shape[0], jnp.int32)  # moves `logits` alone
        told = self.network(x, label=unasked, train=train)
        if not isinstance(told, dict):
            raise InputError(
                "model 'tells_classes' needs a network inside that tells classes, dict(name='projection',"
                " tells_classes=True, network=...)"
            )
        return told["classes"]
