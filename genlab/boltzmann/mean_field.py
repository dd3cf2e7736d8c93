"""Mean field: independent units that come closest to the posterior of a machine."""

import jax
import jax.numpy as jnp

from genlab.boltzmann.machine import Machine

Array = jax.Array


def bernoulli_entropy(logits: Array) -> Array:
    """Entropy of independent Bernoulli units, sum of sp(l) - l sigma(l): [B] of [B, N], nats."""
    # Even in l; of the less likely side, where nothing cancels.
    rare = jnp.where(logits > 0, -logits, logits)
    spread = jax.nn.softplus(rare) - rare * jax.nn.sigmoid(rare)
    return jnp.sum(spread, axis=-1)


def mean_field(
    machine: Machine, v: Array, upper: Array, *, count: int
) -> tuple[Array, Array]:
    """Logits of the units that are not observed, by coordinate ascent on the bound.

    The first hidden units of the machine are observed, the others and the visible units are not.
    Each sweep renews all of one side, which are independent given the other, so the bound on log p(v)
    never falls.

    Args:
      machine: a deep machine, odd layers as its visible side.
      v: [B, D], states of the observed units.
      upper: [B, K - D], first means of the other hidden units.
      count: sweeps, 1 or more.

    Returns:
      Logits of the visible side, [B, N], and of the other hidden units, [B, K - D].

    Paper: Salakhutdinov & Hinton 2009, AISTATS
    """
    size = v.shape[1]
    # What the observed units send does not change, and is computed once.
    pinned = machine.replace(
        kernel=machine.kernel[:, :size], hidden_bias=machine.hidden_bias[:size]
    ).visible_field(v)
    rest = machine.replace(
        kernel=machine.kernel[:, size:],
        hidden_bias=machine.hidden_bias[size:],
        visible_bias=jnp.zeros_like(machine.visible_bias),
    )

    def sweep(upper: Array, _) -> tuple[Array, None]:
        odd = pinned + rest.visible_field(upper)
        return jax.nn.sigmoid(rest.hidden_field(jax.nn.sigmoid(odd))), None

    upper, _ = jax.lax.scan(sweep, upper, length=count - 1)
    odd = pinned + rest.visible_field(upper)
    return odd, rest.hidden_field(jax.nn.sigmoid(odd))
