"""A restricted Boltzmann machine: two layers of units, connected between but not within.

E(v, h) = -a.v - b.h - v.W h - log q(v), q the base measure of the visible units. Deep Boltzmann
machines are such machines too: odd layers on one side, even layers on the other.
"""

from typing import Any

import flax.struct
import jax
import jax.numpy as jnp

from genlab.boltzmann.units import Bernoulli, Units

Array = jax.Array


@flax.struct.dataclass
class Machine:
    """Weights and kinds of units; hidden units are Bernoulli.

    Arrays of states may have any number of leading axes.

    Attributes:
      kernel: [D, K], W.
      visible_bias: [D], a.
      hidden_bias: [K], b.
      visible: kind of the visible units.
      dtype: type of the products.
    """

    kernel: Array
    visible_bias: Array
    hidden_bias: Array
    visible: Units = flax.struct.field(pytree_node=False)
    dtype: Any = flax.struct.field(pytree_node=False, default=jnp.float32)

    @property
    def hidden(self) -> Bernoulli:
        """Kind of the hidden units."""
        return Bernoulli(self.hidden_bias.shape[-1])

    def hidden_field(self, v: Array) -> Array:
        """b + v W of `v: [..., D]`: [..., K]."""
        return _shifted(self._product(v, self.kernel), self.hidden_bias)

    def visible_field(self, h: Array) -> Array:
        """a + h W^T of `h: [..., K]`: [..., D]."""
        return _shifted(self._product(h, self.kernel.T), self.visible_bias)

    def interaction(self, v: Array, h: Array) -> Array:
        """-a.v - b.h - v.W h, the energy without the base measure: [...], nats."""
        linear = jnp.matmul(v, self.visible_bias)
        return -linear - jnp.sum(h * self.hidden_field(v), axis=-1)

    def energy(self, v: Array, h: Array) -> Array:
        """E(v, h) of `v: [..., D]` and `h: [..., K]`: [...], nats."""
        return self.interaction(v, h) - self.visible.log_base(v)

    def free_energy(self, v: Array) -> Array:
        """F(v) = -log sum_h exp(-E(v, h)) = -a.v - sum sp(b + v W) - log q(v): [...], nats."""
        linear = jnp.matmul(v, self.visible_bias)
        hidden = self.hidden.log_normalizer(self.hidden_field(v))
        return -linear - hidden - self.visible.log_base(v)

    def free_energy_of_hidden(self, h: Array) -> Array:
        """-log sum_v exp(-E(v, h)) = -b.h - A(a + h W^T) of `h: [..., K]`: [...], nats."""
        linear = jnp.matmul(h, self.hidden_bias)
        return -linear - self.visible.log_normalizer(self.visible_field(h))

    def sample_hidden(self, v: Array, key: Array) -> Array:
        """h ~ p(h|v) of `v: [N, ..., D]`: [N, ..., K]."""
        return self.hidden.sample(self.hidden_field(v), key)

    def sample_visible(self, h: Array, key: Array) -> Array:
        """v ~ p(v|h) of `h: [N, ..., K]`: [N, ..., D]."""
        return self.visible.sample(self.visible_field(h), key)

    def reconstruct(self, v: Array) -> Array:
        """E[v'|E[h|v]] of `v: [..., D]`: the same shape."""
        hidden = self.hidden.mean(self.hidden_field(v))
        return self.visible.mean(self.visible_field(hidden))

    def _product(self, states: Array, kernel: Array) -> Array:
        return jnp.matmul(
            states.astype(self.dtype),
            kernel.astype(self.dtype),
            preferred_element_type=jnp.float32,
        )


def _shifted(products: Array, bias: Array) -> Array:
    return products + jnp.broadcast_to(bias, products.shape)
