"""How the populations of a folder were trained: whether members were ended or copied, and by what."""

import json
from pathlib import Path
from typing import Any

from genlab.errors import InputError
from genlab.storage import sidefile
from genlab.storage.files import write_atomic

FILE = "population.json"


def claim(sweep: Path, *, pruner: str = "", evolve: int = 0, target: str = "") -> None:
    """Marks the folder as trained in one mode, since its checkpoints and results do not say.

    Args:
      sweep: the folder of the sweep.
      pruner: `halving`; empty where no member is ended.
      evolve: rounds between two steps of evolution; 0 for none.
      target: by which members are ended or copied; empty where none are.

    Raises:
      InputError: as `check`.
    """
    check(sweep, pruner=pruner, evolve=evolve, target=target)
    sweep.mkdir(parents=True, exist_ok=True)
    mode = {"pruner": pruner, "evolve": evolve, "target": target}
    write_atomic(sweep / FILE, json.dumps(mode))


def check(sweep: Path, *, pruner: str = "", evolve: int = 0, target: str = "") -> None:
    """Raises InputError where the folder's populations were trained in another mode."""
    mode = {"pruner": pruner, "evolve": evolve, "target": target}
    known = _known(sweep, mode) or mode
    if not _has_halved(sweep) and not _has_evolved(sweep):
        # A target by which nothing was decided, such as one that no trial measures, may change.
        known = {**known, "target": target}
    if known != mode:
        raise InputError(
            f"the populations in {str(sweep)!r} were trained {_spelled(known)}, not"
            f" {_spelled(mode)}; name another folder with --workdir=DIR"
        )


def refuse_evolved(sweep: Path) -> None:
    """Raises InputError where members are copies of others, which no trial alone would be."""
    known = _known(sweep, {"pruner": "", "evolve": 0, "target": ""})
    if known and known["evolve"]:
        raise InputError(
            f"the populations in {str(sweep)!r} were trained {_spelled(known)}: their members are"
            " no trials alone; name another folder with --workdir=DIR"
        )


def _known(sweep: Path, asked: dict) -> dict | None:
    """The mode of the folder, None for none yet; of a damaged file, what the decisions tell.

    Args:
      sweep: the folder of the sweep.
      asked: the mode that the decisions are held against.
    """
    known = sidefile.read(sweep / FILE, _is_mode)
    if known is not None or not (sweep / FILE).exists():
        return known
    halved, evolved = _has_halved(sweep), _has_evolved(sweep)
    if halved == bool(asked["pruner"]) and evolved <= bool(asked["evolve"]):
        return asked
    made = {"pruner": "halving" if halved else ""}
    return {**made, "evolve": "ROUNDS" if evolved else 0, "target": "VALUE"}


def _is_mode(content: Any) -> bool:
    texts = isinstance(content["pruner"], str) and isinstance(content["target"], str)
    return texts and type(content["evolve"]) is int


def _has_halved(sweep: Path) -> bool:
    return (sweep / "rungs.json").exists()


def _has_evolved(sweep: Path) -> bool:
    return any(sweep.glob("*/evolution.json"))


def _spelled(mode: dict) -> str:
    flags = [f"--{name}={value}" for name, value in mode.items() if value]
    return f"with {' '.join(flags)}" if flags else "without --pruner and --evolve"
