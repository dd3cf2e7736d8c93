"""Schedules: a factor in [0, 1] by step, registered by name.

A schedule multiplies the knob that it schedules, so that the knob itself stays one float that can
be swept: learning rate = `learning_rate` x factor(step). The step of an optimizer counts its own
updates: a player that moves five times a round is at step 5 after the first. For every other knob
with a schedule, `weight=dict(name="linear", value=10.0, steps=1000)`, it counts the run's rounds, as
`State.step` does.
"""

import math

import jax.numpy as jnp
import optax

from genlab.numbers import Count, Fraction, NonNegative, Positive, Whole
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
def exponential(*, steps: Count, rate: Positive, begin: Whole = 0) -> optax.Schedule:
    """`rate` to the power (step - begin) / steps, 1 before `begin`."""
    return lambda step: rate ** (jnp.maximum(step - begin, 0) / steps)


@schedules.register
def piecewise(
    *, boundaries: tuple[Whole, ...], factors: tuple[NonNegative, ...]
) -> optax.Schedule:
    """Multiplied by `factors[i]` from step `boundaries[i]` on, 1 before the first."""
    pairs = tuple(zip(boundaries, factors, strict=True))
    return lambda step: math.prod(
        jnp.where(step < boundary, 1.0, factor) for boundary, factor in pairs
    )
