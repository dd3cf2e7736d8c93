"""Optimizers: optax's, by name, with what every player may add to one."""

import functools
import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import optax

from genlab.errors import InputError
from genlab.numbers import Count, Decay, Fraction, NonNegative, Positive, Whole
from genlab.part import name_of
from genlab.registry import factor_of, optimizers

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
      bounds_slope: whether it keeps the weights, and with them the slope of the player's networks, in
        bounds.

    Raises:
      InputError: `transform` is no gradient transformation.
    """

    transform: optax.GradientTransformation
    ema: float | None = None
    accumulate: int = 1
    bounds_slope: bool = False

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


def _wrapped(factory: Callable, hints: Mapping[str, Any]) -> Callable[..., Optimizer]:
    """A factory of transformations as a part: all its parameters are knobs, and beside them are
    those that every player may add.

    Args:
      factory: as optax has them; one without a learning rate gets no schedule. It may make an
        `Optimizer`, to which nothing is added.
      hints: annotations of its own parameters.
    """
    own = inspect.signature(factory).parameters

    # Its annotations stay its own: they are the ranges of its knobs.
    @functools.wraps(factory, assigned=("__module__", "__name__", "__doc__"))
    def optimizer(
        *,
        learning_rate: Positive | None = None,
        schedule: str | Mapping | None = None,
        clip: Positive | None = None,
        clip_weights: Positive | None = None,
        accumulate: Count = 1,
        ema: Decay | None = None,
        **knobs: Any,
    ) -> Optimizer:
        if "learning_rate" in own:
            rate = (
                own["learning_rate"].default if learning_rate is None else learning_rate
            )
            knobs["learning_rate"] = rate
        if schedule is not None:
            factor = factor_of(schedule)
            knobs["learning_rate"] = lambda step: rate * factor(step)
        transform = factory(**knobs)
        if isinstance(transform, Optimizer):
            return _alone(factory, transform, clip, clip_weights, accumulate, ema)
        if not isinstance(transform, optax.GradientTransformation):
            raise InputError(
                f"optimizer {name_of(factory)!r} returned a {type(transform).__name__}, not an"
                " optax.GradientTransformation, such as optax.adam(1e-3)"
            )
        if clip is not None:
            transform = optax.chain(optax.clip_by_global_norm(clip), transform)
        if clip_weights is not None:
            transform = optax.chain(transform, _within(clip_weights))
        if accumulate > 1:
            transform = optax.MultiSteps(
                transform, accumulate
            ).gradient_transformation()
        return Optimizer(transform, ema, accumulate, clip_weights is not None)

    shared = dict(inspect.signature(optimizer, follow_wrapped=False).parameters)
    del shared["knobs"]
    if "learning_rate" in own:
        rate = own["learning_rate"].replace(annotation=Positive)
        shared["learning_rate"] = rate
    else:
        del shared["learning_rate"], shared["schedule"]
    ranges = hints | _RANGES | {knob: shared[knob].annotation for knob in shared}
    knobs = {
        knob: parameter.replace(
            kind=inspect.Parameter.KEYWORD_ONLY, annotation=ranges.get(knob, Any)
        )
        for knob, parameter in {**own, **shared}.items()
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD
    }
    optimizer.__signature__ = inspect.Signature(list(knobs.values()))
    optimizer.__annotations__ = {knob: p.annotation for knob, p in knobs.items()}
    return optimizer


def _alone(factory, made: Optimizer, clip, clip_weights, accumulate, ema) -> Optimizer:
    """What a factory made that says itself what is around its transformation."""
    if (clip, clip_weights, accumulate, ema) != (None, None, 1, None):
        raise InputError(
            f"optimizer {name_of(factory)!r} makes an Optimizer, to which clip, clip_weights,"
            " accumulate and ema are not added; have it return the optax transformation alone"
        )
    return made


def _within(limit: float) -> optax.GradientTransformation:
    """Every parameter in [-limit, limit] after the update.

    Paper: Arjovsky et al. 2017, arXiv:1701.07875
    """

    def clipped(updates: PyTree, state: Any, params: PyTree) -> tuple[PyTree, Any]:
        short = lambda value, by: jnp.clip(value + by, -limit, limit) - value
        return jax.tree.map(short, params, updates), state

    return optax.GradientTransformation(lambda params: optax.EmptyState(), clipped)


def _adopted(factory: Callable) -> Callable:
    """A factory named by its import path, `optax.contrib:muon`, as one of the registered ones."""
    if inspect.isclass(factory):
        return factory
    try:
        hints = typing.get_type_hints(factory, include_extras=True)
    except Exception:  # noqa: BLE001 - what is for a type checker alone may be any text
        hints = {}
    return _wrapped(factory, hints)


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


def _decayed_sgd(
    learning_rate: float,
    momentum: float | None = None,
    nesterov: bool = False,
    weight_decay: float = 0.0,
) -> optax.GradientTransformation:
    """Stochastic gradient descent with weight decay as a part of the gradient, g + w p.

    With a rate of 0.1, momentum 0.9, Nesterov's, and w 5e-4 it is RotNet's.

    Paper: Gidaris, Singh & Komodakis 2018, arXiv:1803.07728, section 4.1
    """
    decay = optax.add_decayed_weights(weight_decay)
    return optax.chain(decay, optax.sgd(learning_rate, momentum, nesterov))


for _name, _factory in _optax_factories().items():
    optimizers.register(_wrapped(_factory, {}), name=_name)
optimizers.register(_wrapped(_decayed_sgd, {}), name="decayed_sgd")
optimizers.adopt = _adopted
