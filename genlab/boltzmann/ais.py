"""Annealed importance sampling of log Z, from a base rate to the machine and back.

The path goes through f_beta(v) = q(v) exp(((1 - beta) a0 + beta a).v) sum_h exp(beta (b.h + v.W h)),
from independent visible units with biases a0, whose log Z is A(a0) + K log 2, to the machine itself.

Paper: Salakhutdinov & Murray 2008, ICML; reverse: Burda, Grosse & Salakhutdinov 2015,
  arXiv:1412.8566
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from genlab.boltzmann.machine import Machine
from genlab.game import rng
from genlab.statistics import SIGMAS

Array = jax.Array

PLACES = (0.0, 0.5, 0.9, 1.0)  # between which the betas are spread, densest at the end


@dataclass(frozen=True)
class Estimate:
    """log Z with what says how far to trust it; nats.

    Attributes:
      log_z: the estimate.
      sigma: standard error of it, that of the mean weight over the mean weight.
      low: of the 95 % interval of the mean weight; -inf where it reaches to zero.
      high: the same above.
      effective: effective sample size, (sum w)^2 / sum w^2, of `runs`.
      runs: annealing runs.
    """

    log_z: float
    sigma: float
    low: float
    high: float
    effective: float
    runs: int


def schedule(counts: Sequence[int]) -> np.ndarray:
    """Inverse temperatures, `counts` of them in each stretch of PLACES: [sum + 1] float32."""
    stretches = [
        np.linspace(low, high, count, endpoint=False)
        for low, high, count in zip(PLACES[:-1], PLACES[1:], counts, strict=True)
    ]
    return np.concatenate([*stretches, [1.0]]).astype(np.float32)


def base_log_partition(machine: Machine, base: Array) -> Array:
    """log Z of the base rate, A(a0) + K log 2, of biases `base: [D]`: [], nats."""
    hidden = machine.hidden.size * math.log(2.0)
    return machine.visible.log_normalizer(base) + hidden


def forward(
    machine: Machine, key: Array, betas: Array, base: Array, runs: int
) -> tuple[Array, Array]:
    """Logarithms of unbiased estimates of Z, one per run, and where the runs ended.

    Args:
      machine: the machine.
      key: of all draws.
      betas: [T], from 0 to 1.
      base: [D], biases of the base rate.
      runs: how many.

    Returns:
      [runs], nats; the logarithm of their mean is below log Z in expectation. States [runs, D].
    """
    field = jnp.broadcast_to(base, (runs, base.shape[0]))
    v = machine.visible.sample(field, rng.fold(key, "base"))

    def step(carry, piece):
        v, log_weight = carry
        low, high, index = piece
        field = machine.hidden_field(v)
        log_weight += _change(machine, v, field, base, low, high)
        v = _transition(machine, field, base, high, rng.fold(key, index))
        return (v, log_weight), None

    pieces = (betas[:-1], betas[1:], jnp.arange(betas.shape[0] - 1))
    start = (v, jnp.broadcast_to(base_log_partition(machine, base), (runs,)))
    v, log_weight = jax.lax.scan(step, start, pieces)[0]
    return log_weight, v


def reverse(machine: Machine, key: Array, betas: Array, base: Array, v: Array) -> Array:
    """Logarithms of unbiased estimates of 1 / Z, one per state.

    Args:
      machine: the machine.
      key: of all draws.
      betas: [T], from 0 to 1; walked backwards.
      base: [D], biases of the base rate.
      v: [N, D], draws of the machine: the closer, the closer to a bound.

    Returns:
      [N], nats; minus the logarithm of their mean is above log Z in expectation.
    """

    def step(carry, piece):
        v, log_weight = carry
        low, high, index = piece
        field = machine.hidden_field(v)
        log_weight += _change(machine, v, field, base, high, low)
        v = _transition(machine, field, base, low, rng.fold(key, index))
        return (v, log_weight), None

    pieces = (betas[:-1], betas[1:], jnp.arange(betas.shape[0] - 1))
    start = (v, -jnp.broadcast_to(base_log_partition(machine, base), v.shape[:1]))
    return jax.lax.scan(step, start, pieces, reverse=True)[0][1]


def summarize(log_weights: np.ndarray) -> Estimate:
    """The estimate that `log_weights: [N]` of `forward` make."""
    weights = np.asarray(log_weights, np.float64)
    shift = weights.max()
    scaled = np.exp(weights - shift)
    mean, count = scaled.mean(), len(scaled)
    # With one run nothing is known of the error.
    error = scaled.std(ddof=1) / math.sqrt(count) if count > 1 else math.inf
    low, high = mean - SIGMAS * error, mean + SIGMAS * error
    return Estimate(
        log_z=float(shift + math.log(mean)),
        sigma=float(error / mean),
        low=float(shift + math.log(low)) if low > 0 else -math.inf,
        high=float(shift + math.log(high)) if math.isfinite(high) else math.inf,
        effective=float(scaled.sum() ** 2 / np.square(scaled).sum()),
        runs=count,
    )


def summarize_reverse(log_weights: np.ndarray) -> Estimate:
    """The estimate that `log_weights: [N]` of `reverse` make."""
    inverse = summarize(log_weights)
    return Estimate(
        -inverse.log_z,
        inverse.sigma,
        -inverse.high,
        -inverse.low,
        inverse.effective,
        inverse.runs,
    )


def _change(
    machine: Machine, v: Array, field: Array, base: Array, old: Array, new: Array
) -> Array:
    """log f_new(v) - log f_old(v): [N]; unit by unit, so that no large sums are subtracted."""
    linear = (new - old) * jnp.matmul(v, machine.visible_bias - base)
    softplus = jax.nn.softplus
    return linear + jnp.sum(softplus(new * field) - softplus(old * field), axis=-1)


def _transition(
    machine: Machine, field: Array, base: Array, beta: Array, key: Array
) -> Array:
    """A Gibbs sweep that leaves f_beta, from states with the hidden field `field: [N, K]`."""
    hidden_key, visible_key = rng.fold(key, "hidden"), rng.fold(key, "visible")
    h = machine.hidden.sample(beta * field, hidden_key)
    mixed = (1 - beta) * jnp.broadcast_to(base, (h.shape[0], base.shape[0]))
    return machine.visible.sample(mixed + beta * machine.visible_field(h), visible_key)
