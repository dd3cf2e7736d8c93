"""Optimizers: optax's, by name, with what every player may add to one."""

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import optax

from genlab.errors import InputError
from genlab.numbers import Count, Decay, Fraction, NonNegative, Positive, Whole
from genlab.registry import optimizers, schedules

Array = jax.Array
PyTree = Any


@dataclass(frozen=True)
class Optimizer:
    """How a player moves.

    Attributes:
      transform: optax's gradient transformation.
      ema: decay of an exponential moving average of the player at each of its updates, None to keep
        none. In the first ones the decay is at most (1 + updates) / (10 + updates).
      accumulate: moves whose mean gradient makes one update.

    Raises:
      InputError: `transform` is no gradient transformation.
    """

    transform: optax.GradientTransformation
    ema: float | None = None
    accumulate: int = 1

    def __post_init__(self):
        if not isinstance(self.transform, optax.GradientTransformation):
            raise InputError(
                f"an optimizer is of an optax.GradientTransformation, not of a"
                f" {type(self.transform).__name__}"
            )

    def averaged(self, old: PyTree, new: PyTree, moves: Array) -> PyTree:
        """The moving average `old` after a move that leaves `new`; `moves`: [] int32, that one
        included. Moves between two updates leave it as it is."""
        updates = moves // self.accumulate
        # A young average forgets its random start sooner.
        decay = jnp.minimum(self.ema, (1 + updates) / (10 + updates))
        share = jnp.where(moves % self.accumulate == 0, 1 - decay, 0.0)
        return optax.incremental_update(new, old, share)


def _register(name: str, factory: Callable[..., optax.GradientTransformation]) -> None:
    """Enter an optax factory with its own knobs and the ones that all players share."""

    # Its annotations stay its own: they are the ranges of its knobs.
    @functools.wraps(factory, assigned=("__module__", "__name__", "__doc__"))
    def optimizer(
        *,
        learning_rate: Positive,
        schedule: str | Mapping | None = None,
        clip: Positive | None = None,
        accumulate: Count = 1,
        ema: Decay | None = None,
        **knobs: Any,
    ) -> Optimizer:
        rate = learning_rate
        if schedule is not None:
            factor = _factor(schedule)
            rate = lambda step: learning_rate * factor(step)
        transform = factory(rate, **knobs)
        if clip is not None:
            transform = optax.chain(optax.clip_by_global_norm(clip), transform)
        if accumulate > 1:
            transform = optax.MultiSteps(
                transform, accumulate
            ).gradient_transformation()
        return Optimizer(transform, ema, accumulate)

    shared = inspect.signature(optimizer, follow_wrapped=False).parameters
    own = inspect.signature(factory).parameters
    ranges = _RANGES | {knob: shared[knob].annotation for knob in shared}
    knobs = {
        knob: parameter.replace(
            kind=inspect.Parameter.KEYWORD_ONLY, annotation=ranges.get(knob, Any)
        )
        for knob, parameter in {**own, **shared}.items()
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD
    }
    optimizer.__signature__ = inspect.Signature(list(knobs.values()))
    optimizer.__annotations__ = {knob: p.annotation for knob, p in knobs.items()}
    optimizers.register(optimizer, name=name)


def _factor(choice: Any) -> Callable[[Array], Array]:
    """The schedule that a config chose, a function of the updates done.

    Raises:
      InputError: the part returns no function, or its values are no single numbers.
    """
    name = choice if isinstance(choice, str) else choice["name"]
    factor = schedules.choose(choice)()
    if not callable(factor):
        raise InputError(
            f"schedule {name!r} returned a {type(factor).__name__}, not a function of the updates"
            " done that gives a factor"
        )
    found = jax.eval_shape(factor, jax.ShapeDtypeStruct((), jnp.int32))
    if getattr(found, "shape", None) != ():
        raise InputError(f"schedule {name!r} gives {found}, not one number, []")
    return factor


# Optax annotates its knobs with types alone; a name means the same in all its optimizers.
_RANGES: dict[str, Any] = {
    knob: annotation
    for annotation, names in {
        Decay: "b1 b2 b3 decay decay_rate rho",
        Decay | None: "momentum",
        Fraction: "beta",
        NonNegative: "alpha eps eps_root eta_minus initial_accumulator_value initial_scale"
        " min_norm min_step_size weight_decay",
        NonNegative | None: "weight_decay_rate",
        Positive: "eta_plus max_step_size threshold trust_coefficient",
        Positive | None: "clipping_threshold",
        Count: "min_dim_size_to_factor",
        Whole: "decay_offset",
        bool: "bias_correction bias_correction_mu bias_correction_nu centered eps_in_sqrt"
        " factored multiply_by_parameter_scale nesterov",
    }.items()
    for knob in names.split()
}

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
