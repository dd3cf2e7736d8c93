"""Stages: parts of a run that train different things one after another.

A config's `stages` come before what the config itself trains, each a dict of its `name` and of what
differs from the config. Rounds are counted through, so that a step says which stage it lies in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from genlab.errors import InputError, suggest

MAIN = "main"  # the name of the last stage, the config's own
INIT = (
    "init"  # the name, among the sources of a start, of the run that `init_from` names
)

# What a stage replaces as a whole, and what it changes key by key.
WHOLE = ("experiment", "objective", "model", "optimizer", "start")
BY_KEY = ("data", "train", "log", "eval", "sample", "checkpoint")

# A stage starts afresh, and shows nothing that is meant for the model at the end.
_QUIET = {
    "start": {"name": "fresh"},
    "eval": {"metrics": [], "final_metrics": [], "best": ""},
    "sample": {"plots": []},
}


@dataclass(frozen=True)
class Stage:
    """One stage of a run.

    Attributes:
      name: as the config calls it; `main` for the last.
      config: the plain config of this stage, that of the run where it is the last.
      begin: rounds of the run before its first.
    """

    name: str
    config: dict[str, Any]
    begin: int

    @property
    def end(self) -> int:
        """Rounds of the run after its last."""
        return self.begin + self.config["train"]["steps"]


def stages_of(config: Mapping[str, Any]) -> list[Stage]:
    """The stages of a run in their order; the last is what the config itself trains.

    Raises:
      InputError: a stage without a name of its own, with a key that no stage has, or a value of it
        that is none.
    """
    stages: list[Stage] = []
    for part in config["stages"]:
        begin = stages[-1].end if stages else 0
        name = part.get("name") if isinstance(part, Mapping) else None
        if not isinstance(name, str) or name in ("", MAIN, INIT):
            raise InputError(
                f"config.stages: {part!r} is no stage; dict(name=..., train=dict(steps=...)),"
                f" called neither {MAIN!r} nor {INIT!r}"
            )
        if name in [stage.name for stage in stages]:
            raise InputError(f"config.stages has {name!r} twice")
        stage = Stage(name, merged(config, part), begin)
        if type(steps := stage.config["train"]["steps"]) is not int:
            raise InputError(f"stage {name!r} has train.steps={steps!r}, not an int")
        stages.append(stage)
    return [*stages, Stage(MAIN, dict(config), stages[-1].end if stages else 0)]


def merged(config: Mapping[str, Any], part: Mapping[str, Any]) -> dict[str, Any]:
    """The plain config with a stage's differences applied.

    Raises:
      InputError: a key that no stage has.
    """
    result = {**config, "stages": [], "init_from": ""}
    for differences in (_QUIET, part):
        for key, value in differences.items():
            if key in WHOLE:
                result[key] = value
            elif key in BY_KEY:
                if not isinstance(value, Mapping):
                    raise InputError(
                        f"stage {part.get('name')!r} has {key}={value!r}, not a dict"
                    )
                result[key] = {**result[key], **value}
            elif key != "name":
                known = (*WHOLE, *BY_KEY)
                raise InputError(
                    f"stage {part.get('name')!r} has no key {key!r}{suggest(key, known)}"
                )
    return result
