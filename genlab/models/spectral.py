"""Any network with spectral normalisation."""

from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp
from flax.traverse_util import flatten_dict, unflatten_dict

from genlab.models.wrapper import Wrapper
from genlab.nn.spectral import power_step
from genlab.registry import models

Array = jax.Array
PyTree = Any

NORMALIZED = ("kernel", "embedding")


@models.register
class Spectral(Wrapper):
    """A network whose every kernel and embedding is divided by its largest singular value.

    The singular vectors persist, in the collection `spectral`, and a use in training makes one power step
    from them. Biases, and scales of norms, stay as they are.

    Paper: Miyato et al. 2018, arXiv:1802.05957

    Attributes:
      network: the network inside, `dict(name="sndcgan_discriminator")`.
    """

    BOUNDS_SLOPE: ClassVar = True

    def __call__(self, *inputs: Array, train: bool = False, **label: Array) -> Any:
        """What the network makes of what it takes."""
        return self._run("__call__", inputs, {"train": train, **label})

    def features(self, *inputs: Array, train: bool = False, **label: Array) -> Array:
        """What the last linear layer of the network inside sees, [B, F]."""
        self.need_features()
        return self._run("features", inputs, {"train": train, **label})

    @nn.compact
    def _run(self, method: str, inputs: tuple, named: dict[str, Any]) -> Any:
        def normalized(variables: PyTree) -> PyTree:
            leaves, found = flatten_dict(variables), {}
            for path, leaf in leaves.items():
                if path[-1] in NORMALIZED and leaf.ndim > 1:
                    leaf = self._divided(".".join(path[1:]), leaf, named["train"])
                found[path] = leaf
            return unflatten_dict(found)

        run = lambda network: getattr(network, method)(*inputs, **named)
        if self.is_initializing():
            # The parameters stay as they are drawn; their vectors are made beside them.
            made = run(self.network)
            normalized({"params": self.network.variables["params"]})
            return made
        return nn.map_variables(run, "params", normalized, mutable=True)(self.network)

    def _divided(self, name: str, kernel: Array, train: bool) -> Array:
        draw = lambda: jax.random.normal(self.make_rng("params"), kernel.shape[-1:])
        vector = self.variable("spectral", name, draw)
        sigma, renewed = power_step(kernel.astype(jnp.float32), vector.value)
        if self.is_initializing() or train:
            vector.value = renewed
        return kernel / sigma
