"""A sweep folder as its files stand: finished, running, cut, with trials that never began."""

import dataclasses
import math
import shlex
from collections import Counter
from pathlib import Path
from typing import Any

from genlab.errors import InputError
from genlab.process.command import program
from genlab.reporting.markup import words
from genlab.reporting.trial import TrialRecord, content_of, read_trial
from genlab.run.folder import in_use
from genlab.trials.manifest import FILE, Manifest, read

STATES = ("finished", "running", "waiting", "stopped", "pruned", "failed")
ENDED = ("finished", "pruned", "failed")


@dataclasses.dataclass(frozen=True)
class Sweep:
    """What a sweep folder holds.

    Attributes:
      name: the folder's name.
      manifest: sweep.json.
      target: name of the value that the sweep is about, or else that the config calls best; ""
        where there is neither. Where trials have evaluated it, it is their last evaluation on
        `eval.split`, "negative_elbo on validation": the best of them by their results, which are
        reported, would look better than it is.
      maximize: whether the target is better where it is larger.
      evaluated: whether the target is such an evaluation.
      trials: in the order of sweep.json.
    """

    name: str
    manifest: Manifest
    target: str
    maximize: bool
    evaluated: bool
    trials: list[TrialRecord]

    @property
    def counts(self) -> dict[str, int]:
        """State -> number of trials, in the order of STATES, without those of none."""
        found = Counter(trial.state for trial in self.trials)
        return {state: found[state] for state in STATES if found[state]}

    @property
    def value_names(self) -> list[str]:
        """Every measured value, the target first, the others in order of first appearance."""
        names = dict.fromkeys(name for trial in self.trials for name in trial.values)
        return sorted(names, key=lambda name: name != self.target)

    def spoken(self, name: str) -> str:
        """A measured value in words, with the split that it was measured on."""
        splits = (trial.splits.get(name) for trial in self.trials)
        split = next(filter(None, splits), "")
        return words(f"{name} on {split}" if split else name)

    def finished(self) -> list[int]:
        """Indices of the trials that have finished, in the order in which they did, as far as known."""
        ended = [i for i, trial in enumerate(self.trials) if trial.state == "finished"]
        return sorted(ended, key=lambda index: self.trials[index].measured or "")

    def ranked(self) -> list[int]:
        """Indices of the trials, best first by the target, those without one last, in order."""
        sign = -1 if self.maximize else 1

        def rank(index: int) -> tuple[bool, float]:
            value = self.trials[index].values.get(self.target, math.nan)
            known = math.isfinite(value)
            return not known, sign * value if known else 0.0

        return sorted(range(len(self.trials)), key=rank)

    def command(self, trial: TrialRecord) -> str:
        """The command that trains a trial's config alone, quoted for a shell.

        No command does where the trial copied others: the text says so, as a shell's comment.
        """
        if trial.copies:
            return (
                f"# {trial.name} copied other members and went on with other knobs: no command"
                " trains it alone; eval and sample build it with the knobs it began with"
            )
        overrides = {**self.manifest.common, **trial.overrides}
        flags = [f"--config={self.manifest.config}"]
        flags += [f"--config.{key}={_flag(value)}" for key, value in overrides.items()]
        return f"{program()} {shlex.join(flags)}"


def read_sweep(folder: Path, *, locked: bool | None = None) -> Sweep:
    """Reads a sweep folder; trials without a folder, or with files cut short, are part of it.

    Args:
      folder: of the sweep.
      locked: whether a process works on the whole of it; None asks its lock, which cannot tell
        this process from another.

    Raises:
      InputError: the folder has no sweep.json, or it is not what a sweep writes.
    """
    folder = Path(folder)
    manifest = read(folder)
    if manifest is None:
        raise InputError(
            f"no {FILE} in {str(folder)!r}: name the folder of a sweep, as given by"
            " --workdir when it was started"
        )
    busy = in_use(folder) if locked is None else locked
    goal = manifest.target or _best(folder, manifest)
    name = goal.removeprefix("-")
    trials = [
        read_trial(folder / entry["name"], entry["overrides"], busy, name)
        for entry in manifest.trials
    ]
    measured = [value for trial in trials for value in trial.values]
    evaluated = next((v for v in measured if v.startswith(f"{name} on ")), None)
    return Sweep(
        name=folder.resolve().name,
        manifest=manifest,
        target=evaluated or name,
        maximize=goal.startswith("-"),
        evaluated=evaluated is not None,
        trials=trials,
    )


def _best(folder: Path, manifest: Manifest) -> str:
    """What the trials' config calls best, by the first of them that has begun."""
    for entry in manifest.trials:
        config = content_of(folder / entry["name"] / "config.json", dict).get("config")
        if isinstance(config, dict) and isinstance(config.get("eval"), dict):
            best = config["eval"].get("best")
            return best if isinstance(best, str) else ""
    return ""


def _flag(value: Any) -> str:
    """A value as the command line spells it; a tuple comes back from JSON as a list."""
    return str(tuple(value)) if isinstance(value, list) else str(value)
