"""Schedules: a factor in [0, 1] by step, registered by name.

A schedule multiplies the knob that it schedules, so that the knob itself stays one float that can
be swept: learning rate = `learning_rate` x factor(step).
"""

import optax

from genlab.registry import schedules


@schedules.register
def constant() -> optax.Schedule:
    """Factor 1 at every step."""
    return optax.constant_schedule(1.0)


@schedules.register
def linear(*, steps: int, begin: int = 0, end: float = 0.0) -> optax.Schedule:
    """From 1 at step `begin` in a straight line to `end` after `steps` more."""
    return optax.linear_schedule(1.0, end, steps, begin)


@schedules.register
def warmup(*, steps: int, start: float = 0.0) -> optax.Schedule:
    """From `start` in a straight line to 1 after `steps`."""
    return optax.linear_schedule(start, 1.0, steps)


@schedules.register
def cosine(*, steps: int, warmup: int = 0, end: float = 0.0) -> optax.Schedule:
    """A straight line from 0 to 1 over `warmup` steps, then a half cosine to `end` at `steps`.

    Paper: Loshchilov & Hutter 2017, arXiv:1608.03983
    """
    return optax.warmup_cosine_decay_schedule(0.0, 1.0, warmup, steps, end)


@schedules.register
def exponential(*, steps: int, rate: float, begin: int = 0) -> optax.Schedule:
    """`rate` to the power (step - begin) / steps, 1 before `begin`."""
    return optax.exponential_decay(1.0, steps, rate, begin)


@schedules.register
def piecewise(
    *, boundaries: tuple[int, ...], factors: tuple[float, ...]
) -> optax.Schedule:
    """Multiplied by `factors[i]` at step `boundaries[i]`, 1 before the first."""
    return optax.piecewise_constant_schedule(1.0, dict(zip(boundaries, factors)))
