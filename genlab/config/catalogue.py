"""What `genlab list` shows: every part, its knobs with defaults, its docstring and its paper."""

import inspect
from collections.abc import Callable, Iterable
from typing import Any

from genlab import trust
from genlab.config import files
from genlab.config import load as configs
from genlab.config.keys import is_fact
from genlab.data.augment import augmentations
from genlab.data.degrade import degradations
from genlab.errors import InputError, suggest
from genlab.game.slots import ALWAYS
from genlab.nn.activation import ACTIVATIONS
from genlab.nn.normed import NORMS
from genlab.numbers import range_of
from genlab.registry import REGISTRIES, REQUIRED, Registry, experiments, objectives
from genlab.trained.needs import METHODS

Part = dict[str, Any]

_REGISTRIES = {
    **REGISTRIES,
    "augmentations": augmentations,
    "degradations": degradations,
}
# Objectives that say of themselves which examples they are of.
_LIKELIHOODS = "likelihoods"
_REQUIRED = "required"
_FILLED = "filled in"  # by the data or the family


def kinds() -> dict[str, Callable[[], list[Part]]]:
    """What can be listed, each with what lists it."""
    return {
        **{name: _lister(registry) for name, registry in _REGISTRIES.items()},
        _LIKELIHOODS: _likelihoods,
        "activations": lambda: _named(ACTIVATIONS),
        "norms": lambda: _named(NORMS),
        "configs": lambda: [_config(path.stem) for path in files.recipes()],
        "sweeps": lambda: [s for path in files.recipes() for s in _sweeps(path.stem)],
    }


def kind_of(word: str) -> str:
    """The kind that a word means, `metrics` by `metrics` and `metric`, `datasets` by a config's `data` too; else "".

    A part that is called so, such as the target `data`, is found by its kind and name.
    """
    known = [*kinds(), ""]
    singular = {registry.kind: name for name, registry in _REGISTRIES.items()}
    meant = {**singular, "data": "datasets", "config": "configs", "sweep": "sweeps"}
    return word if word in known else meant.get(word, "")


def collect(kind: str = "") -> dict[str, list[Part]]:
    """The parts of one kind, or of all; configs are listed with their variants.

    Raises:
      InputError: an unknown kind.
    """
    known = kinds()
    if kind and kind not in known:
        raise InputError(f"cannot list {kind!r}{suggest(kind, known)}")
    return {name: known[name]() for name in ([kind] if kind else known)}


def one(kind: str, name: str) -> dict[str, list[Part]]:
    """The parts called so, of one kind or, where that is empty, of all.

    A part of one's own is named by its path, a config by its file.

    Raises:
      InputError: no such kind, or no such part.
    """
    if kind in _REGISTRIES and ":" in name:
        trust.vouch(name)
        return {kind: [_part(_REGISTRIES[kind], name)]}
    if kind == "configs":
        return {kind: [_config(name)]}
    if kind == "sweeps":
        return {kind: _sweeps(name)}
    listed = collect(kind)
    found = {
        kind: [part for part in parts if part["name"] == name]
        for kind, parts in listed.items()
    }
    if not kind:  # they are objectives
        del found[_LIKELIHOODS]
    found = {kind: parts for kind, parts in found.items() if parts}
    if not found:
        names = {part["name"] for parts in listed.values() for part in parts}
        hint = suggest(name, names if kind else {*names, *listed})
        hint = hint if kind or "did you mean" in hint else suggest(name, listed)
        raise InputError(f"cannot list {name!r}{hint}")
    return found


def _lister(registry: Registry) -> Callable[[], list[Part]]:
    return lambda: [_part(registry, name) for name in registry]


def _likelihoods() -> list[Part]:
    names = [name for name in objectives if hasattr(objectives.find(name), "support")]
    return [_part(objectives, name) for name in names]


def _part(registry: Registry, name: str) -> Part:
    found = registry.find(name)
    description, paper = registry.describe(name)
    knobs = {
        knob: _FILLED if is_fact(registry, knob) else _shown(default)
        for knob, default in registry.knobs(name).items()
    }
    annotations = registry.annotations(name)
    ranges = {knob: range_of(annotations.get(knob)) for knob in knobs}
    part = {
        "name": name,
        "description": description,
        "knobs": knobs,
        "ranges": {knob: told for knob, told in ranges.items() if told},
        "needs": _needs(registry, name),
    }
    if offers := getattr(found, "OFFERS", {}):
        part["offers"] = {slot: [*offered, *ALWAYS] for slot, offered in offers.items()}
    if families := _families(registry, name):
        part["families"] = families
    module = getattr(inspect.unwrap(found), "__module__", "")
    return part | {"paper": paper, "doc": inspect.getdoc(found) or "", "module": module}


def _needs(registry: Registry, name: str) -> list[str]:
    """What a part must be offered by a family, or what a metric or plot says that it needs."""
    if not registry.asked:
        return list(getattr(registry.find(name), "needs", ()))
    needs = registry.needs(name)
    return [need if needed else f"{need} (or not)" for need, needed in needs.items()]


def _families(registry: Registry, name: str) -> list[str]:
    """The families that a part serves, as far as its needs tell: a metric or plot by the methods that
    it calls, an objective or corruption, with the slot, by what is offered there."""
    if registry.asked:
        needs = {need for need, needed in registry.needs(name).items() if needed}
        return [
            f"{family} ({slot})"
            for family in experiments
            for slot, offered in getattr(experiments.find(family), "OFFERS", {}).items()
            if needs <= {*offered, *ALWAYS}
        ]
    methods = [n for n in getattr(registry.find(name), "needs", ()) if n in METHODS]
    if not methods:
        return []
    return [
        family
        for family in experiments
        if all(callable(getattr(experiments.find(family), m, None)) for m in methods)
    ]


def _shown(default: Any) -> Any:
    if default is REQUIRED:
        return _REQUIRED
    plain = (bool, int, float, str, type(None))
    if isinstance(default, plain):
        return default
    if isinstance(default, tuple | list):
        return [_shown(value) for value in default]
    return getattr(default, "__name__", str(default))


def _named(parts: dict[str, Any]) -> list[Part]:
    """Parts that a knob chooses by name and that have no knobs there."""
    return [_entry(name, inspect.getdoc(part) or "") for name, part in parts.items()]


def _entry(name: str, doc: str, **more: Any) -> Part:
    description = doc.partition("\n")[0]
    about = {"name": name, "description": description, "knobs": {}}
    return {**about, **more, "paper": "", "doc": doc}


def _config(name: str) -> Part:
    """A config, of genlab's own by its name or of a file."""
    doc, variants, sweeps = configs.about(name)
    return _entry(name, doc, variants=list(variants), sweeps=list(sweeps))


def _sweeps(name: str) -> list[Part]:
    """The sweeps of a config."""
    entries = []
    for sweep, make in configs.sweeps(name).items():
        made = make()
        is_space = isinstance(made, dict)
        trials = [] if is_space else list(made)
        keys = made if is_space else dict.fromkeys(key for t in trials for key in t)
        size = "a space" if is_space else f"{len(trials)} trials"
        about = {"config": name, "size": size, "keys": list(keys)}
        entries.append(_entry(f"{name} {sweep}", inspect.getdoc(make) or "", **about))
    return entries


def render(parts: dict[str, list[Part]]) -> str:
    """The parts as text, one paragraph each."""
    lines = []
    for kind, entries in parts.items():
        lines.append(f"{kind} ({len(entries)})")
        width = max((len(entry["name"]) for entry in entries), default=0)
        for entry in entries:
            lines.append(f"  {entry['name']:<{width}} {entry['description']}".rstrip())
            lines += [f"  {'':<{width}} {line}" for line in _details(entry)]
        lines.append("")
    return "\n".join(lines).rstrip()


def render_whole(parts: dict[str, list[Part]]) -> str:
    """The parts as text, each with its whole docstring and a line for each knob."""
    lines = []
    for kind, entries in parts.items():
        for entry in entries:
            lines += [f"{kind}: {entry['name']}", ""]
            lines += [f"  {line}".rstrip() for line in entry["doc"].splitlines()]
            lines += ["", *(f"  {line}" for line in _details(entry, whole=True)), ""]
    return "\n".join(lines).rstrip()


def _details(entry: Part, whole: bool = False) -> Iterable[str]:
    """What there is to say of a part below its name."""
    ranges = entry.get("ranges", {})
    knobs = [
        f"{knob}={default if default in (_REQUIRED, _FILLED) else repr(default)}"
        + (f" ({ranges[knob]})" if knob in ranges else "")
        for knob, default in entry["knobs"].items()
    ]
    if whole and knobs:
        yield "knobs:"
        yield from (f"  {knob}" for knob in knobs)
    elif knobs:
        yield f"knobs: {', '.join(knobs)}"
    if entry.get("needs"):
        yield f"needs: {', '.join(entry['needs'])}"
    for slot, offered in entry.get("offers", {}).items():
        yield f"offers its {slot}: {', '.join(offered)}"
    for what in ("families", "variants", "sweeps", "keys"):
        if entry.get(what):
            yield f"{what}: {', '.join(entry[what])}"
    if entry.get("size"):
        yield f"size: {entry['size']}"
    if entry["paper"] and not whole:
        yield f"paper: {entry['paper']}"
