"""From plain nested dicts to an experiment.

A part, a family among them, that has a knob named like a fact of the data or of the game
(`config.keys.FACTS`) is given it unless the config sets that knob. Floats may be traced arrays: building inside
a traced function makes a population of trials one `vmap`.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import jax.numpy as jnp

from genlab.data.dataset import Dataset
from genlab.data.statistics import example_mean
from genlab.errors import InputError, suggest
from genlab.game.experiment import Experiment
from genlab.game.network import Network
from genlab.game.optim import Optimizer
from genlab.game.slots import check_needs_of_parts, slots_of
from genlab.registry import (
    REQUIRED,
    Registry,
    experiments,
    models,
    objectives,
    optimizers,
)

Spec = Mapping[str, Any]

SECTIONS = ("experiment", "objective", "model", "optimizer")
_NEEDED = {
    "image_shape": "images",
    "target_shape": "two domains of images (or data.degrade)",
    "num_classes": "examples with classes",
    "class_names": "classes with names",
}
DTYPES = {"float32": jnp.float32, "bfloat16": jnp.bfloat16}


def build_experiment(spec: Spec, data: Dataset, dtype: str = "float32") -> Experiment:
    """The experiment that a config describes.

    Args:
      spec: `experiment`, `objective` (name and knobs), `model` (role -> name and knobs) and
        `optimizer` (player -> name and knobs).
      data: what the examples are.
      dtype: compute type of the networks; parameters, statistics and losses stay float32.

    Raises:
      InputError: unknown name or knob, or roles and players that the family does not have.
    """
    name, knobs = _split(spec["experiment"])
    experiments.check_knobs(name, {**experiments.knobs(name), **knobs})
    family = experiments.find(name)
    facts = known_facts(data, dtype) | _shared_knobs(name, knobs)
    roles, optional = family.ROLES, family.OPTIONAL_ROLES
    _check_keys(f"model of {name!r}", spec["model"], roles, optional)
    _check_keys(f"optimizer of {name!r}", spec["optimizer"], family.PLAYERS)
    if starts_from_mean(spec["model"]):
        facts["example_mean"] = example_mean(data)
    networks = {
        role: Network(role, _build_with_facts(models, choice, facts))
        for role, choice in spec["model"].items()
    }
    optimizers_of_players = {
        player: _optimizer(choice) for player, choice in spec["optimizer"].items()
    }
    objective = _build_with_facts(objectives, spec["objective"], facts)
    parts = networks, objective, optimizers_of_players
    experiment = _build_with_facts(experiments, spec["experiment"], facts, *parts)
    check_needs_of_parts(name, experiment, bool(data.num_classes))
    return experiment


def starts_from_mean(model: Spec) -> bool:
    """Whether one of the networks, by role or inside another, is given the mean of the data."""
    for part in model.values():
        name, knobs = _split(part)
        inner = {
            knob: knobs[knob] for knob in slots_of(models.find(name)) if knob in knobs
        }
        if "example_mean" in models.knobs(name) or starts_from_mean(inner):
            return True
    return False


def known_facts(data: Dataset, dtype: str) -> dict[str, Any]:
    """Knobs that the data and the compute type decide, where they decide them."""
    if dtype not in DTYPES:
        raise InputError(f"dtype {dtype!r} is unknown{suggest(dtype, DTYPES)}")
    facts: dict[str, Any] = {
        "dtype": DTYPES[dtype],
        "example_shape": data.example_shape,
        "dataset_size": data.splits["train"].size,
    }
    if data.is_image:
        facts["image_shape"] = data.example_shape
    if data.target_shape:
        facts["target_shape"] = data.target_shape
    if data.num_classes:
        facts["num_classes"] = data.num_classes
    if data.class_names:
        facts["class_names"] = data.class_names
    return facts


def _shared_knobs(name: str, knobs: Spec) -> dict[str, Any]:
    """Knobs of the family that its networks need as well."""
    known = {**experiments.knobs(name), **knobs}
    shared = {knob: known[knob] for knob in ("latent_dim",) if knob in known}
    if "categorical" in known:
        shared["code_width"] = sum(known["categorical"]) + known["continuous"]
    return shared


def _build_with_facts(
    registry: Registry, choice: Spec, facts: Spec, *parts: Any
) -> Any:
    name, knobs = _split(choice)
    if registry is models:
        for knob in slots_of(models.find(name)).keys() & knobs:
            knobs[knob] = _build_with_facts(models, knobs[knob], facts)
    accepted = registry.knobs(name)
    given = {fact: value for fact, value in facts.items() if fact in accepted}
    if "example_shape" in knobs:  # what it sees is no example of the data
        given.pop("example_mean", None)
    for knob, kind in _NEEDED.items():
        if accepted.get(knob) is REQUIRED and knob not in {**given, **knobs}:
            raise InputError(
                f"{registry.kind} {name!r} needs {kind}, which the data set does not have"
            )
    return registry.build(name, *parts, **{**given, **knobs})


def _optimizer(choice: Spec) -> Optimizer:
    made = optimizers.choose(choice)()
    if not isinstance(made, Optimizer):
        raise InputError(
            f"optimizer {_name(choice)!r} returned a {type(made).__name__}, not a"
            " genlab.game.optim.Optimizer, such as Optimizer(optax.adam(1e-3))"
        )
    return made


def _split(choice: Spec) -> tuple[str, dict[str, Any]]:
    knobs = {"name": choice} if isinstance(choice, str) else dict(choice)
    if not knobs.get("name"):
        raise InputError(
            f"a part is chosen by name, dict(name=...), not {dict(choice)}"
        )
    return knobs.pop("name"), knobs


def _name(choice: Spec) -> str:
    return _split(choice)[0]


def _check_keys(
    what: str,
    given: Iterable[str],
    expected: Iterable[str],
    optional: Iterable[str] = (),
) -> None:
    given, expected = set(given), set(expected)
    known = expected | set(optional)
    if unknown := sorted(given - known):
        raise InputError(f"{what} has no {unknown[0]!r}{suggest(unknown[0], known)}")
    if missing := sorted(expected - given):
        raise InputError(
            f"{what} needs {missing[0]!r}, which the config does not choose"
        )
