"""Named parts: register, find, list, build.

A part is a function or a class. Its knobs are what a config may set: of a function exactly the
keyword-only parameters, of a Flax module the fields, of another dataclass the keyword-only fields.
A knob's annotation is its type and range, see `genlab.numbers`. In the place of a float there may be
a schedule, `dict(name=SCHEDULE, value=...)`, where the registry is of parts that see the step.
Parts of this repository are found by walking their package on the first lookup; a part outside it
is named by its import path, `my_package.my_module:my_loss`.
"""

import dataclasses
import functools
import importlib
import inspect
import pkgutil
import re
import threading
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab import numbers, trust
from genlab.errors import InputError, suggest
from genlab.part import (
    REGISTERED,
    Scheduled,
    is_same_file,
    needs_of,
    with_checked_terms,
)

REQUIRED = inspect.Parameter.empty
_discovery = threading.RLock()  # another thread waits until a room has been walked
_MODULE_FIELDS = {"parent", "name"}  # fields that Flax adds to every module


class Registry:
    """The parts of one kind, by name.

    Args:
      kind: what one part is called in messages, `objective`.
      package: the package or module that registers the parts, `genlab.objectives`.
      arguments: whether a name may carry an argument after a colon, `folder:PATH`.
      watch: wraps every function that is built, to look at what it returns.
      sees_step: whether float knobs may follow a schedule.
      asked: whether positional parameters are needs that the caller offers by name.

    Attributes:
      adopt: what becomes of a part that is named by its import path.
    """

    def __init__(
        self,
        kind: str,
        package: str,
        arguments: bool = False,
        watch: Callable[[Callable], Callable] = lambda part: part,
        sees_step: bool = False,
        asked: bool = False,
    ):
        self._watch = watch
        self._sees_step = sees_step
        self.asked = asked
        self.adopt: Callable[[Callable], Callable] = lambda part: part
        self.kind = kind
        self._arguments = arguments
        self._package = package
        self._parts: dict[str, Callable] = {}
        self._discovered = False

    def register(self, part: Callable | None = None, *, name: str | None = None):
        """Decorator that enters a function or class under its name in snake case.

        Raises:
          InputError: the name is taken by another part.
        """
        if part is None:
            return functools.partial(self.register, name=name)
        key = name or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", part.__name__).lower()
        holder = self._parts.setdefault(key, part)
        # A notebook's cell that is run again defines its part anew.
        if {holder.__module__, part.__module__} == {"__main__"}:
            self._parts[key] = part
        elif holder is not part and not is_same_file(holder, part):
            raise InputError(
                f"{self.kind} {key!r} is already registered by {holder.__module__}"
            )
        REGISTERED[part] = key
        return part

    def __iter__(self) -> Iterator[str]:
        """Registered names in alphabetical order."""
        self._discover()
        return iter(sorted(self._parts))

    def find(self, name: str) -> Callable:
        """The part called `name`, or the one that an import path `module:attribute` names.

        Raises:
          InputError: no such part; lists the close matches.
        """
        self._discover()
        head, colon, tail = name.partition(":")
        if head in self._parts:
            if colon and not self._arguments:
                raise InputError(f"{self.kind} {head!r} takes no argument, {tail!r}")
            return self._parts[head]
        if colon:
            return self.adopt(trust.imported(self.kind, name, self._parts))
        own = ":".join(name.rsplit(".", 1)) if "." in name else "my_module:my_part"
        raise InputError(
            f"unknown {self.kind} {name!r}{suggest(name, self._parts)}"
            f" (a part of your own is named by its path, {own!r})"
        )

    def build(self, name: str, /, *parts: Any, **knobs: Any) -> Any:
        """The part with its knobs set: an instance of a class, a function with knobs bound.

        A registered name may carry one argument after a colon, `folder:PATH`; it becomes the
        function's first positional argument. `parts` go in as positional arguments.

        Raises:
          InputError: unknown name, unknown knob, or a knob without default that is missing.
        """
        part = self.find(name)
        self.check_knobs(name, knobs)
        for knob in [
            knob for knob in knobs if self.is_schedule(name, knob, knobs[knob])
        ]:
            knobs[knob] = self._scheduled(name, knob, knobs[knob])
        if inspect.isclass(part):
            return part(*parts, **knobs)
        head, colon, argument = name.partition(":")
        arguments = (argument,) if colon and head in self._parts else ()
        return functools.partial(self._watch(part), *arguments, *parts, **knobs)

    def choose(self, choice: str | Mapping[str, Any], /) -> Any:
        """Builds what a config chose: a name, or `dict(name=..., knob=...)`."""
        if isinstance(choice, str):
            return self.build(choice)
        knobs = dict(choice)
        return self.build(knobs.pop("name"), **knobs)

    def check_knobs(self, name: str, knobs: dict[str, Any]) -> None:
        """Raises InputError unless `knobs` are knobs of the part, in range, and none is missing."""
        accepted, annotations = self.knobs(name), self.annotations(name)
        for knob, value in knobs.items():
            if knob not in accepted:
                known = ", ".join(accepted) or "none"
                hint = suggest(knob, accepted) if accepted else ""
                raise InputError(
                    f"{self.kind} {name!r} has no knob {knob!r}"
                    + (hint if "did you mean" in hint else f"; it accepts {known}")
                )
            if self.is_schedule(name, knob, value):
                self._scheduled(name, knob, value)
            elif value is not accepted[knob]:
                what = f"{self.kind} {name!r}: {knob}"
                numbers.check(what, value, annotations.get(knob, Any))
        for knob, default in accepted.items():
            if default is REQUIRED and knob not in knobs:
                raise InputError(f"{self.kind} {name!r} needs the knob {knob!r}")

    def is_schedule(self, name: str, knob: str, value: Any) -> bool:
        """Whether a config gives a dict for a knob that is a float."""
        if not isinstance(value, Mapping):
            return False
        annotation = self.annotations(name).get(knob)
        default = self.knobs(name).get(knob)
        return numbers.is_float(annotation) or isinstance(default, float)

    def _scheduled(self, name: str, knob: str, choice: Mapping[str, Any]) -> Scheduled:
        """A float knob that follows the schedule that a config chose for it.

        Raises:
          InputError: no schedule, a value outside the knob's range or none, or a part that does not
            see the step.
        """
        what = f"{self.kind} {name!r}: {knob}"
        if not self._sees_step:
            raise InputError(
                f"{what} follows no schedule: floats of an objective or an experiment may, and the"
                " learning rate of an optimizer has schedule=dict(name=...)"
            )
        chosen = dict(choice)
        value = chosen.pop("value", self.knobs(name)[knob])
        if value is REQUIRED or value is None:
            raise InputError(f"{what}={dict(choice)} needs a value, which is scheduled")
        annotation = self.annotations(name).get(knob, float)
        numbers.check(f"{what}.value", value, annotation)
        return Scheduled(value, factor_of(chosen), what, annotation)

    def needs(self, name: str) -> dict[str, bool]:
        """What the part must be offered, by name; whether it cannot do without."""
        return needs_of(self.find(name))

    def knobs(self, name: str) -> dict[str, Any]:
        """The part's knobs and their defaults; `REQUIRED` marks one without."""
        part = self.find(name)
        if dataclasses.is_dataclass(part) and inspect.isclass(part):
            return {
                field.name: _default(field)
                for field in dataclasses.fields(part)
                if field.init and (field.kw_only or issubclass(part, nn.Module))
                if field.name not in _MODULE_FIELDS
            }
        try:
            parameters = inspect.signature(part).parameters.values()
        except (ValueError, TypeError):  # written in C
            raise InputError(
                f"{self.kind} {name!r} does not say what it takes; wrap it in a function of Python"
            ) from None
        return {
            parameter.name: parameter.default
            for parameter in parameters
            if parameter.kind is inspect.Parameter.KEYWORD_ONLY
        }

    def annotations(self, name: str) -> dict[str, Any]:
        """What the part's knobs are annotated with; empty where names cannot be resolved."""
        try:
            return typing.get_type_hints(self.find(name), include_extras=True)
        except Exception:  # noqa: BLE001 - what is for a type checker alone may be any text
            return {}

    def describe(self, name: str) -> tuple[str, str]:
        """First line of the part's docstring, and its source paper (`Paper:` in the docstring)."""
        text = inspect.getdoc(self.find(name)) or ""
        paper = re.search(r"^Papers?: (.+(?:\n  .+)*)", text, re.MULTILINE)
        return text.partition("\n")[0], (re.sub(r"\s+", " ", paper[1]) if paper else "")

    def _discover(self) -> None:
        with _discovery:
            if self._discovered:
                return
            self._discovered = True
            room = importlib.import_module(self._package)
            places = getattr(room, "__path__", ())
            for module in pkgutil.walk_packages(places, self._package + "."):
                importlib.import_module(module.name)


def _default(field: dataclasses.Field) -> Any:
    factory = field.default_factory
    found = field.default if factory is dataclasses.MISSING else factory()
    return REQUIRED if found is dataclasses.MISSING else found


def factor_of(choice: str | Mapping[str, Any]) -> Callable[[jax.Array], jax.Array]:
    """The schedule that a config chose, a function of the step.

    Raises:
      InputError: none is chosen, the part returns no function, or its values are no single numbers.
    """
    name = choice if isinstance(choice, str) else choice.get("name")
    if not name:
        raise InputError(f"{dict(choice)} chooses no schedule; dict(name=...) does")
    factor = schedules.choose(choice)()
    if not callable(factor):
        raise InputError(
            f"schedule {name!r} returned a {type(factor).__name__}, not a function of the step"
            " that gives a factor"
        )
    found = jax.eval_shape(factor, jax.ShapeDtypeStruct((), jnp.int32))
    if getattr(found, "shape", None) != ():
        raise InputError(f"schedule {name!r} gives {found}, not one number, []")
    return factor


_ASKED = dict(sees_step=True, asked=True)
objectives = Registry(
    "objective", "genlab.objectives", watch=with_checked_terms, **_ASKED
)
models = Registry("model", "genlab.models")
datasets = Registry("dataset", "genlab.data", arguments=True)
features = Registry("features", "genlab.features")
metrics = Registry("metric", "genlab.metrics")
plots = Registry("plot", "genlab.plots")
experiments = Registry("experiment", "genlab.shipped.experiments", sees_step=True)
optimizers = Registry("optimizer", "genlab.game.optim")
schedules = Registry("schedule", "genlab.game.schedule")
starts = Registry("start", "genlab.run.start")
corruptions = Registry("corruption", "genlab.data", **_ASKED)
writers = Registry("writer", "genlab.writers")
paths = Registry("path", "genlab.diffusion.path")
targets = Registry("target", "genlab.diffusion.target")
samplers = Registry("sampler", "genlab.diffusion")

REGISTRIES: dict[str, Registry] = {
    f"{registry.kind.removesuffix('s')}s": registry
    for registry in (
        *(experiments, objectives, models, datasets, features, metrics, plots),
        *(optimizers, schedules, starts, corruptions, writers),
        *(paths, targets, samplers),
    )
}
