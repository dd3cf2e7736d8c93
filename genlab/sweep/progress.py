"""How far a sweep is while it runs: from its manifest and its run folders, whoever trains them."""

import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from rich.console import Group
from rich.table import Table
from rich.text import Text

from genlab.config.stage import stages_of
from genlab.errors import InputError
from genlab.run.folder import read_results
from genlab.storage import sidefile
from genlab.sweep.process import is_running
from genlab.trials import manifest
from genlab.trials.table import state_in
from genlab.trials.tail import Tail, loss_of

STATES = ("finished", "running", "waiting", "failed", "pruned")
LOOK = 1.0  # seconds between two looks into the folders
ROWS = 20  # running trials that a terminal shows


@dataclass
class TrialProgress:
    """One trial as its folder shows it.

    Attributes:
      folder: its run folder.
      target: the value of a search, as `--target` has it; may be empty.
      state: one of STATES.
      steps: rounds of the whole trial; 0 until it is known.
      step: rounds done.
      value: newest evaluation of the target on `eval.split`.
      loss: newest training loss.
      rate: rounds per second.
    """

    folder: Path
    target: str
    state: str = "waiting"
    steps: int = 0
    step: int = 0
    value: float | None = None
    loss: float | None = None
    rate: float | None = None
    _split: str = ""
    _tail: Tail = field(init=False)

    def __post_init__(self) -> None:
        self._tail = Tail(self.folder / "metrics.jsonl")

    def look(self) -> None:
        """Reads what is new in the folder."""
        if self.state in ("finished", "pruned"):
            return
        if not self.steps:
            record = sidefile.read(self.folder / "config.json", _is_record)
            config = record["config"] if record else None
            self.steps = stages_of(config)[-1].end if config else 0
            self._split = config["eval"]["split"] if config else ""
        # First the state: one that has finished by now has written its last line.
        self.state = self._state()
        for line in self._tail.lines():
            self._take(line["step"], line["split"], line["values"])

    def _take(self, step: int, split: str, values: dict[str, float | None]) -> None:
        self.step = step
        if split == "time":
            self.rate = values.get("rounds_per_second")
        elif split == "train":
            losses = (v for name, v in values.items() if name.endswith("loss"))
            self.loss = next(losses, None)
        elif split == self._split and self.target:
            self.value = values.get(self.target.removeprefix("-"))

    def _state(self) -> str:
        finished = read_results(self.folder, self.steps) is not None
        state = state_in(self.folder, finished)
        if state == "unfinished":
            return "running" if is_running(self.folder) else "waiting"
        return state


class Overview:
    """Every trial of a sweep; a view, see `genlab.process.display`.

    Args:
      sweep: the folder of the sweep.
      total: trials that there will be; those of the manifest where they are more.
    """

    def __init__(self, sweep: Path, total: int = 0):
        self._sweep, self._total, self.target = sweep, total, ""
        self.trials: dict[str, TrialProgress] = {}
        self._looked = -LOOK

    def look(self) -> Self:
        """Reads what is new in the folders."""
        try:
            known = manifest.read(self._sweep)
        except InputError as error:
            known = sidefile.pass_over(self._sweep / manifest.FILE, str(error))
        if known is not None:
            self.target = known.target
            for entry in known.trials:
                name = entry["name"]
                if name not in self.trials:
                    one = TrialProgress(self._sweep / name, known.target)
                    self.trials[name] = one
        for trial in self.trials.values():
            trial.look()
        return self

    def counts(self) -> dict[str, int]:
        """How many trials are in each of STATES; those of a search to come are waiting."""
        counts = Counter(trial.state for trial in self.trials.values())
        counts["waiting"] += max(0, self._total - len(self.trials))
        return {state: counts[state] for state in STATES}

    def best(self) -> tuple[str, float] | None:
        """Name and value of the best finished trial, None without one or without a target."""
        reached = [
            (name, trial.value)
            for name, trial in self.trials.items()
            if self.target and trial.state == "finished" and trial.value is not None
        ]
        return min(reached, key=lambda it: loss_of(it[1], self.target), default=None)

    def summary(self) -> str:
        """One line: the counts, and the best so far."""
        counts = self.counts()
        parts = [f"{count} {state}" for state, count in counts.items() if count]
        line = f"{sum(counts.values())} trials: {', '.join(parts) or 'none yet'}"
        if (best := self.best()) is not None:
            line += f"; best {self.target.removeprefix('-')} {best[1]:.4g}, {best[0]}"
        return line

    def line(self) -> str:
        """The summary as it is now."""
        return self.look().summary()

    def render(self) -> Group:
        """The summary, and under it the running trials, a row each."""
        if (now := time.monotonic()) - self._looked >= LOOK:
            self.look()
            self._looked = now
        table = Table()
        watched = self.target.removeprefix("-") or "loss"
        for column in ("trial", "round", watched, "rounds/s"):
            table.add_column(column, justify="left" if column == "trial" else "right")
        running = [(n, t) for n, t in self.trials.items() if t.state == "running"]
        for name, trial in running[:ROWS]:
            value = trial.value if self.target else trial.loss
            done = f"{trial.step:,} of {trial.steps:,}" if trial.steps else "starts"
            table.add_row(name, done, _shown(value), _shown(trial.rate))
        return Group(Text(self.summary()), *([table] if running else []))


def _is_record(content: Any) -> bool:
    config = content["config"]
    last = stages_of(config)[-1]
    return type(last.end) is int and isinstance(config["eval"]["split"], str)


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
