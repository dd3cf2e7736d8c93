"""Optimizers: optax's, by name, with what every player may add to one."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import optax

from genlab.errors import InputError
from genlab.registry import optimizers, schedules


@dataclass(frozen=True)
class Optimizer:
    """How a player moves.

    Attributes:
      transform: optax's gradient transformation.
      ema: decay of an exponential moving average of the player, None to keep none. In the first
        rounds the decay is at most (1 + step) / (10 + step).
    """

    transform: optax.GradientTransformation
    ema: float | None = None


def _register(name: str, factory: Callable[..., optax.GradientTransformation]) -> None:
    """Enter an optax factory with its own knobs and the ones that all players share."""

    @functools.wraps(factory)
    def optimizer(
        *,
        learning_rate: float,
        schedule: dict[str, Any] | None = None,
        clip: float | None = None,
        accumulate: int = 1,
        ema: float | None = None,
        **knobs: Any,
    ) -> Optimizer:
        rate = learning_rate
        if schedule is not None:
            factor = schedules.choose(schedule)()
            rate = lambda step: learning_rate * factor(step)
        transform = factory(rate, **knobs)
        if clip is not None:
            transform = optax.chain(optax.clip_by_global_norm(clip), transform)
        if accumulate < 1:
            raise InputError(f"accumulate={accumulate} is not a count of 1 or more")
        if accumulate > 1:
            transform = optax.MultiSteps(
                transform, accumulate
            ).gradient_transformation()
        return Optimizer(transform, ema)

    shared = inspect.signature(optimizer, follow_wrapped=False).parameters
    own = inspect.signature(factory).parameters
    knobs = {
        knob: parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for knob, parameter in {**own, **shared}.items()
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD
    }
    optimizer.__signature__ = inspect.Signature(list(knobs.values()))
    optimizers.register(optimizer, name=name)


_LEFT_OUT = {
    "lbfgs",  # its line search evaluates the loss
    "noisy_sgd",  # keeps a random key of its own, which the run's seed does not reach
    "optimistic_adam",  # deprecated by optax in favour of optimistic_adam_v2
}


def _optax_factories() -> dict[str, Callable[..., optax.GradientTransformation]]:
    """Every optimizer of optax that moves by gradients alone."""
    return {
        name: factory
        for name, factory in vars(optax).items()
        if inspect.isfunction(factory)
        and next(iter(inspect.signature(factory).parameters), None) == "learning_rate"
        and not name.startswith(("_", "scale_by_"))
        and name not in _LEFT_OUT
    }


for _name, _factory in _optax_factories().items():
    _register(_name, _factory)
