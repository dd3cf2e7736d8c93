"""Ranges of knobs: every part declares them, and none takes a number outside of its own."""

import dataclasses
import typing

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genlab.config.catalogue import collect
from genlab.errors import InputError
from genlab.numbers import Count, Decay, Fraction, Positive, Range, check, range_of
from genlab.registry import REGISTRIES, REQUIRED, Registry, optimizers

HOSTILE = (float("nan"), float("inf"), -float("inf"), -1, 0, 10**12, 10**400, "two")

# Numbers that may be any: targets and ends of a scale, which only have to be finite.
ANY = {
    *(("least_squares", f"{name}_target") for name in ("fake", "real", "generator")),
    ("masking", "value"),
    ("salt_and_pepper", "low"),
    ("salt_and_pepper", "high"),
}


def parts():
    """Every registry, part and knob that is a number, with its annotation."""
    for kind, registry in REGISTRIES.items():
        if kind == "datasets":
            continue
        for name in registry:
            annotations = registry.annotations(name)
            for knob, default in registry.knobs(name).items():
                annotation = annotations.get(knob)
                number = type(default) in (int, float) or "float" in str(annotation)
                if "Mapping" not in str(annotation) and (
                    number or " int" in f" {annotation}"
                ):
                    yield registry, name, knob, annotation


def numbers_of(annotation) -> list:
    """The `Annotated` numbers in an annotation."""
    if typing.get_origin(annotation) is typing.Annotated:
        return [annotation]
    inner = typing.get_args(annotation)
    return [found for kind in inner for found in numbers_of(kind)]


def test_every_number_has_a_range():
    without = {(name, knob) for _, name, knob, kind in parts() if not range_of(kind)}
    assert without <= ANY
    assert sum(1 for _ in parts()) > 300


def test_no_part_takes_a_number_outside_its_range():
    for registry, name, knob, annotation in parts():
        knobs = registry.knobs(name)
        needed = {key: None for key, value in knobs.items() if value is REQUIRED}
        others = {key: _fine(registry.annotations(name).get(key)) for key in needed}
        sequence = "Sequence" in str(annotation) or "tuple" in str(annotation)
        allowed = [kind.__metadata__[0] for kind in numbers_of(annotation)]
        for value in HOSTILE:
            finite = not isinstance(value, str) and abs(value) < 1e38
            fits = finite and all(value in one for one in allowed)
            given = [value] if sequence else value
            if sequence and typing.get_origin(annotation) is tuple:
                given = (value,)
            if fits:
                registry.check_knobs(name, {**others, knob: given})
                continue
            with pytest.raises(InputError) as refused:
                registry.check_knobs(name, {**others, knob: given})
            for word in (repr(name), f"{knob}=", "is not"):
                assert word in str(refused.value), (name, knob, value)


def _fine(annotation):
    """A value that a required knob takes."""
    for value in (1, 0.5, "text", [1], ["text"], {"a": "b"}):
        try:
            check("knob", value, annotation)
        except InputError:
            continue
        return value


def test_no_optimizer_turns_its_gradient_around():
    parameters, gradient = jnp.ones((2, 2)), jnp.full((2, 2), 0.5)
    for name in optimizers:
        for knob, annotation in optimizers.annotations(name).items():
            for value in (-1, -1.0, 2.0) if range_of(annotation) else ():
                try:
                    built = optimizers.build(
                        name, **{"learning_rate": 0.1, knob: value}
                    )
                except InputError:
                    continue
                transform = built().transform
                update, _ = transform.update(
                    gradient, transform.init(parameters), parameters
                )
                assert not (update > 0).any(), (name, knob, value)


def test_a_range_is_declared_by_the_annotation():
    registry = Registry("thing", "genlab.metrics.measurement")

    @registry.register
    def part(
        x, *, rate: Decay, sizes: tuple[Count, ...] = (), ramp: Positive | None = None
    ):
        return x

    @registry.register
    class Net(nn.Module):
        width: Count = 3

    @registry.register
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Game:
        share: Fraction = 0.5
        loud: bool = False

    registry.build("part", rate=0.0, sizes=[1, 2], ramp=1e-9)
    registry.build("part", rate=np.float32(0.5), ramp=None, sizes=[np.int64(3)])
    registry.build("part", rate=jnp.array(7.0))  # of a population, which was checked
    for name, knobs, message in (
        ("part", {"rate": 1.0}, r"thing 'part': rate=1.0 is not .* in \[0, 1\)"),
        ("part", {"rate": True}, "rate=True is not a finite number"),
        ("part", {"rate": 0.5, "sizes": [2, 0]}, r"sizes=\[2, 0\] is not a list, each"),
        ("part", {"rate": 0.5, "sizes": 2}, "sizes=2 is not a list"),
        ("part", {"rate": 0.5, "ramp": 0.0}, "above 0 or None"),
        ("net", {"width": 2.0}, "width=2.0 is not a whole number, 1 or more"),
        ("game", {"share": "half"}, "share='half' is not a finite number"),
        ("game", {"loud": 1}, "loud=1 is not True or False"),
    ):
        with pytest.raises(InputError, match=message):
            registry.build(name, **knobs)
    jax.jit(lambda rate: registry.build("part", rate=rate)(1.0))(2.0)


def test_annotations_as_people_write_them():
    check("sizes", [1, 2, 3], tuple[int])
    check("sizes", (), typing.Tuple[Count])  # noqa: UP006
    optional = typing.Annotated[float | None, Range(0)]
    check("weight", None, optional)
    check("weight", np.array(0.5), float)
    for value, annotation, told in (
        (-1.0, optional, "0 or more"),
        ([1, "a"], tuple[int], "a list, each a whole number"),
        (3, typing.Mapping, "not a dict"),
        (3, typing.List, "not a list"),  # noqa: UP006
        (np.array(-1.0), Fraction, r"in \[0, 1\]"),
    ):
        with pytest.raises(InputError, match=told):
            check("knob", value, annotation)


def test_ranges_are_listed():
    (adam,) = (
        part for part in collect("optimizers")["optimizers"] if part["name"] == "adam"
    )
    assert adam["ranges"]["ema"] == "in [0, 1)"
    assert adam["ranges"]["clip"] == "above 0"
    (part,) = (
        p for p in collect("objectives")["objectives"] if p["name"] == "kl_sparsity"
    )
    assert part["ranges"] == {"target": "in (0, 1)", "weight": "0 or more"}
