"""Schedules: a factor in [0, 1] by step, registered by name.

A schedule multiplies the knob that it schedules, so that the knob itself stays one float that can
be swept: learning rate = `learning_rate` x factor(step). The step of an optimizer counts its own
updates: a player that moves five times a round is at step 5 after the first. For every other knob
with a schedule, `weight=dict(name="linear", value=10.0, steps=1000)`, it counts the run's rounds, as
`State.step` does.
"""

import math
from typing import Annotated

import jax
import jax.numpy as jnp
import optax

from genlab.numbers import Count, Fraction, NonNegative, Positive, Range, Whole
from genlab.registry import schedules


@schedules.register
def constant() -> optax.Schedule:
    """Factor 1 at every step."""
    return optax.constant_schedule(1.0)


@schedules.register
def linear(*, steps: Count, begin: Whole = 0, end: Fraction = 0.0) -> optax.Schedule:
    """From 1 at step `begin` in a straight line to `end` after `steps` more."""
    return optax.linear_schedule(1.0, end, steps, begin)


@schedules.register
def warmup(*, steps: Count, start: Fraction = 0.0) -> optax.Schedule:
    """From `start` in a straight line to 1 after `steps`."""
    return optax.linear_schedule(start, 1.0, steps)


@schedules.register
def delayed(*, steps: Count) -> optax.Schedule:
    """0 for the first `steps`, then 1."""
    return lambda step: jnp.where(step < steps, 0.0, 1.0)


@schedules.register
def cosine(*, steps: Count, warmup: Whole = 0, end: Fraction = 0.0) -> optax.Schedule:
    """A straight line from 0 to 1 over `warmup` steps, then a half cosine to `end` at `steps`.

    Paper: Loshchilov & Hutter 2017, arXiv:1608.03983
    """
    return optax.warmup_cosine_decay_schedule(0.0, 1.0, warmup, steps, end)


@schedules.register
def exponential(
    *, steps: Count, rate: Positive, begin: Whole = 0, end: Fraction = 0.0
) -> optax.Schedule:
    """From 1 towards `end`: end + (1 - end) rate ** ((step - begin) / steps), 1 before `begin`."""
    return lambda step: end + (1 - end) * rate ** (jnp.maximum(step - begin, 0) / steps)


@schedules.register
def saturating(*, rate: Annotated[float, Range(0, 1, "()")] = 1e-5) -> optax.Schedule:
    """From 0 towards 1: 1 - (1 - rate) ** step.

    Paper: the weight of MusicVAE's KL, Roberts et al. 2018, arXiv:1803.05428, and its code
    """
    return lambda step: -jnp.expm1(step * jnp.log1p(-rate))


@schedules.register
def inverse_sigmoid(*, rate: Positive = 1000.0) -> optax.Schedule:
    """From rate / (rate + 1) towards 0: rate / (rate + exp(step / rate)).

    Paper: Bengio et al. 2015, arXiv:1506.03099, section 2.4: the share of true tokens that a decoder
      sees
    """
    return lambda step: jax.nn.sigmoid(jnp.log(rate) - step / rate)


@schedules.register
def piecewise(
    *, boundaries: tuple[Whole, ...], factors: tuple[NonNegative, ...]
) -> optax.Schedule:
    """Multiplied by `factors[i]` from step `boundaries[i]` on, 1 before the first."""
    pairs = tuple(zip(boundaries, factors, strict=True))
    return lambda step: math.prod(
        jnp.where(step < boundary, 1.0, factor) for boundary, factor in pairs
    )
