"""What `launch.py list` shows: every part, its knobs with defaults, and its paper."""

from typing import Any

from genlab.config import files
from genlab.config import load as configs
from genlab.errors import InputError, suggest
from genlab.game.slots import ALWAYS
from genlab.numbers import range_of
from genlab.registry import REGISTRIES, REQUIRED, Registry

Part = dict[str, Any]


def collect(kind: str = "") -> dict[str, list[Part]]:
    """The parts of one kind, or of all; configs are listed with their variants.

    Raises:
      InputError: an unknown kind.
    """
    kinds = [*REGISTRIES, "configs"]
    if kind and kind not in kinds:
        raise InputError(f"cannot list {kind!r}{suggest(kind, kinds)}")
    return {
        name: _configs() if name == "configs" else _parts(REGISTRIES[name])
        for name in ([kind] if kind else kinds)
    }


def _parts(registry: Registry) -> list[Part]:
    parts = []
    for name in registry:
        description, paper = registry.describe(name)
        knobs = {
            knob: "required" if default is REQUIRED else _shown(default)
            for knob, default in registry.knobs(name).items()
        }
        annotations = registry.annotations(name)
        ranges = {knob: range_of(annotations.get(knob)) for knob in knobs}
        part = {
            "name": name,
            "description": description,
            "knobs": knobs,
            "ranges": {knob: told for knob, told in ranges.items() if told},
        }
        part["needs"] = _needs(registry, name)
        if offers := getattr(registry.find(name), "OFFERS", {}):
            part["offers"] = {
                slot: [*offered, *ALWAYS] for slot, offered in offers.items()
            }
        parts.append(part | {"paper": paper})
    return parts


def _needs(registry: Registry, name: str) -> list[str]:
    """What a part must be offered by a family, or what a metric or plot says that it needs."""
    if not registry.asked:
        return list(getattr(registry.find(name), "needs", ()))
    needs = registry.needs(name)
    return [need if needed else f"{need} (or not)" for need, needed in needs.items()]


def _shown(default: Any) -> Any:
    plain = (bool, int, float, str, type(None))
    if isinstance(default, plain):
        return default
    if isinstance(default, tuple | list):
        return [_shown(value) for value in default]
    return getattr(default, "__name__", str(default))


def _configs() -> list[Part]:
    parts = []
    for path in files.recipes():
        parts.append(
            {
                "name": f"configs/{path.name}",
                "description": configs.headline(path),
                "knobs": {},
                "variants": list(configs.variants(path)),
                "paper": "",
            }
        )
    return parts


def render(parts: dict[str, list[Part]]) -> str:
    """The parts as text, one paragraph each."""
    lines = []
    for kind, entries in parts.items():
        lines.append(f"{kind} ({len(entries)})")
        for entry in entries:
            lines.append(f"  {entry['name']:<24} {entry['description']}")
            if entry["knobs"]:
                knobs = ", ".join(
                    f"{knob}={default}"
                    + (f" ({entry['ranges'][knob]})" if knob in entry["ranges"] else "")
                    for knob, default in entry["knobs"].items()
                )
                lines.append(f"  {'':<24} knobs: {knobs}")
            if entry.get("needs"):
                lines.append(f"  {'':<24} needs: {', '.join(entry['needs'])}")
            for slot, offered in entry.get("offers", {}).items():
                lines.append(f"  {'':<24} offers its {slot}: {', '.join(offered)}")
            if entry.get("variants"):
                lines.append(f"  {'':<24} variants: {', '.join(entry['variants'])}")
            if entry["paper"]:
                lines.append(f"  {'':<24} paper: {entry['paper']}")
        lines.append("")
    return "\n".join(lines).rstrip()
