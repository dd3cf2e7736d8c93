"""How the populations of a folder were trained: whether members were ended or copied, and by what."""

import json
from pathlib import Path

from genlab.errors import InputError
from genlab.writer import write_atomic

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
    known = _known(sweep) or mode
    decisions = (sweep / "rungs.json", *sweep.glob("*/evolution.json"))
    if not any(path.exists() for path in decisions):
        # A target by which nothing was decided, such as one that no trial measures, may change.
        known = {**known, "target": target}
    if known != mode:
        raise InputError(
            f"the populations in {str(sweep)!r} were trained {_spelled(known)}, not"
            f" {_spelled(mode)}; name another folder with --workdir=DIR"
        )


def refuse_evolved(sweep: Path) -> None:
    """Raises InputError where members are copies of others, which no trial alone would be."""
    known = _known(sweep)
    if known and known["evolve"]:
        raise InputError(
            f"the populations in {str(sweep)!r} were trained {_spelled(known)}: their members are"
            " no trials alone; name another folder with --workdir=DIR"
        )


def _known(sweep: Path) -> dict | None:
    path = sweep / FILE
    return json.loads(path.read_text()) if path.exists() else None


def _spelled(mode: dict) -> str:
    flags = [f"--{name}={value}" for name, value in mode.items() if value]
    return f"with {' '.join(flags)}" if flags else "without --pruner and --evolve"
