"""What a metric or a plot needs of a model and its data, declared beside it.

`@needs("images", "encode")` names facts of the data and what the family must do, by its methods; "images
or points" asks for one of both. A run is refused before training where a need is not met, or where a
method that is there cannot serve this model, which its shapes tell.
"""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from genlab.data.dataset import Dataset
from genlab.data.facts import blank_batch
from genlab.data.melody import PITCH
from genlab.errors import InputError
from genlab.game.experiment import Experiment
from genlab.game.turn import Draw
from genlab.part import name_of, settled

FACTS: Mapping[str, tuple[str, Callable[[Dataset], bool]]] = {
    "labels": ("examples with labels", lambda data: data.num_classes > 0),
    "classes": (
        "examples with labels of two classes or more",
        lambda data: data.num_classes > 1,
    ),
    "images": (
        "images [H, W, 1 or 3]",
        lambda data: len(data.example_shape) == 3 and data.example_shape[2] in (1, 3),
    ),
    "points": (
        "points of the plane, [2]",
        lambda data: tuple(data.example_shape) == (2,),
    ),
    "melodies": (
        "tokens [T, V], as of 'folksongs'",
        lambda data: len(data.example_shape) == 2 and data.example_shape[1] > PITCH,
    ),
    "factors": (
        "examples with the factors that they are made from, as of 'shapes'",
        lambda data: bool(data.factors),
    ),
    "modes": (
        "a mixture with known modes, such as 'toy2d'",
        lambda data: data.modes is not None,
    ),
}

METHODS: Mapping[str, Callable[..., tuple]] = {
    "sample": lambda see: (see.key, 2),
    "sample_classes": lambda see: (see.batch["label"], see.key),
    "sample_prior": lambda see: (see.key, 2),
    "encode": lambda see: see.examples("encode"),
    "features": lambda see: see.examples("features"),
    "decode": lambda see: (see.code(),),
    "reconstruct": lambda see: see.examples("reconstruct"),
    "predict": lambda see: see.examples("predict"),
    "posterior": lambda see: see.examples("posterior"),
    "filters": lambda see: (),
    "fantasies": lambda see: (),
    "recognize": lambda see: see.examples("recognize"),
    "sample_codes": lambda see: (see.codes(), see.key),
    "complete": lambda see: (
        see.batch["x"],
        jnp.ones(see.batch["x"].shape[1:], bool),
        see.key,
    ),
    "translate": lambda see: (see.batch["x"], see.key),
    "translate_back": lambda see: (see.batch["y"], see.key),
    "realness": lambda see: see.examples("realness"),
    "machine": lambda see: (),
    "machine_states": lambda see: (see.draw,),
    "log_unnormalized": lambda see: (see.draw,),
    "log_density": lambda see: (see.batch["x"], see.key),
    "score": lambda see: see.examples("score"),
    "measure": lambda see: (see.draw,),
    "log_weights": lambda see: (see.draw, 2),
    "draw_latents": lambda see: (see.draw, 2),
    "posterior_gaps": lambda see: (see.draw, 1, 0.1, 1),
}


def needs(*names: str, with_label: bool = False) -> Callable[[Callable], Callable]:
    """Decorator of a metric or plot: what it needs, names of FACTS and METHODS.

    Called on a model that lacks one, the part raises InputError.

    Args:
      *names: of what it needs.
      with_label: whether it shows the model the class of an example beside it, by `Trained.seen_by`; a
        model whose networks take the class is refused otherwise.
    """

    def decorate(part: Callable) -> Callable:
        @functools.wraps(part)
        def asked(trained, *arguments, **knobs):
            _check_facts(name_of(part), names, trained.data, trained.has)
            return part(trained, *arguments, **knobs)

        asked.needs, asked.with_label = names, with_label
        return asked

    return decorate


def check_part(
    name: str, part: Callable, knobs: dict, experiment: Experiment, data: Dataset
) -> None:
    """Whether a metric or plot can serve a model and its data, before it is trained.

    After what it declares, its own `check(experiment, data, **knobs)` is asked, where it has one.

    Raises:
      InputError: a need that is not met, or what the model or the part itself says.
    """
    declared = getattr(part, "needs", ())
    offers = lambda method: callable(getattr(experiment, method, None))
    _check_facts(name, declared, data, offers)
    for method in declared:
        if method in METHODS:
            shapes_of(experiment, data, method, getattr(part, "with_label", False))
    if (own := getattr(part, "check", None)) is not None:
        own(experiment, data, **knobs)


def has_fact(data: Dataset, fact: str) -> bool:
    """Whether a fact of FACTS holds of the data."""
    return FACTS[fact][1](data)


def shapes_of(
    experiment: Experiment, data: Dataset, method: str, with_label: bool = False
) -> Any:
    """Shapes of what a method of METHODS makes of two examples; nothing is computed."""
    blank = lambda key: _Blank(experiment, data, key, with_label).call(method)
    return jax.eval_shape(blank, jax.random.key(0))


def takes_label(experiment: Experiment, method: str) -> bool:
    """Whether a method may be given the class of each example, after the example."""
    return "label" in inspect.signature(getattr(experiment, method)).parameters


class _Blank:
    """A model before its first round with two blank examples, for shapes."""

    def __init__(self, experiment, data: Dataset, key: jax.Array, with_label: bool):
        self.batch, self._with_label = blank_batch(data), with_label
        self.key, self._experiment = key, experiment
        first = settled(experiment, 0)
        params, extra = first.init(key, self.batch)
        if isinstance(first, Experiment):  # and nothing that stands in for one
            extra = {**extra, **first.followers(params)}
        self._variables = params, extra
        self.batch.setdefault("label", jnp.zeros(2, jnp.int32))
        self.draw = Draw(self.batch, key, jnp.zeros((), jnp.int32))

    def examples(self, method: str) -> tuple[jax.Array, ...]:
        if self._with_label and takes_label(self._experiment, method):
            return self.batch["x"], self.batch["label"]
        return (self.batch["x"],)

    def codes(self) -> jax.Array:
        return jnp.zeros((2, self._experiment.codes.width))

    def code(self) -> jax.Array:
        """What `decode` takes: codes of the examples, or draws of the prior of a family without them."""
        if callable(getattr(self._experiment, "encode", None)):
            return self.call("encode")
        return self._experiment.latents(self.key, 2)

    def call(self, method: str) -> Any:
        arguments = METHODS[method](self)
        now = settled(self._experiment, 0)
        return getattr(now, method)(*self._variables, *arguments)


def _check_facts(
    name: str, declared: tuple[str, ...], data: Dataset, offers: Callable[[str], bool]
) -> None:
    missing = [need for need in declared if need in METHODS and not offers(need)]
    if missing:
        offered = ", ".join(method for method in METHODS if offers(method))
        raise InputError(
            f"{name!r} needs {' and '.join(missing)}, which this experiment does not offer"
            f" (it offers {offered or 'none of ' + ', '.join(METHODS)})"
        )
    for need in declared:
        facts = [FACTS[fact] for fact in need.split(" or ") if fact in FACTS]
        if facts and not any(holds(data) for _, holds in facts):
            told = " or ".join(told for told, _ in facts)
            raise InputError(
                f"{name!r} needs {told}, which {data.name!r} does not have: its examples have"
                f" shape {tuple(data.example_shape)} and {data.num_classes or 'no'} classes"
            )
