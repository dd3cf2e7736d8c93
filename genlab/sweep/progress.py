"""How far a sweep is while it runs: from its manifest and its run folders, whoever trains them."""

import logging
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from genlab.config.stage import stages_of
from genlab.errors import InputError
from genlab.process.streams import terminal
from genlab.run.folder import read_results
from genlab.storage import sidefile
from genlab.sweep.process import is_running
from genlab.trials import manifest
from genlab.trials.table import state_in
from genlab.trials.tail import Tail, loss_of

STATES = ("finished", "running", "waiting", "failed", "pruned")
REDRAW = 1.0  # seconds between two looks, on a terminal
REPORT = 30.0  # seconds between two lines where there is none
ROWS = 20  # running trials that a terminal shows

_log = logging.getLogger("genlab")


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
    """Every trial of a sweep.

    Args:
      sweep: the folder of the sweep.
      total: trials that there will be; those of the manifest where they are more.
    """

    def __init__(self, sweep: Path, total: int = 0):
        self._sweep, self._total, self.target = sweep, total, ""
        self.trials: dict[str, TrialProgress] = {}

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

    def render(self) -> Group:
        """The summary, and under it the running trials, a row each."""
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


@contextmanager
def shown(
    sweep: Path, total: int = 0, console: Console | None = None
) -> Iterator[None]:
    """Inside, standard error shows how far the sweep is: a table that is redrawn in place on a
    terminal, a line every REPORT seconds elsewhere.

    Args:
      sweep: the folder of the sweep, which has its manifest.
      total: trials that there will be, as for `Overview`.
      console: where to; None for standard error.
    """
    console = console or Console(file=terminal())
    overview, over = Overview(sweep, total), threading.Event()

    def report() -> None:
        while not over.wait(REPORT):
            _log.info(overview.look().summary())

    def redraw(live: Live) -> None:
        while not over.wait(REDRAW):
            live.update(overview.look().render(), refresh=True)

    if not console.is_terminal:
        with _beside(report, over):
            yield
        return
    live = Live(console=console, auto_refresh=False, transient=True)
    with live, _logs_to(sys.stderr), _beside(lambda: redraw(live), over):
        yield


@contextmanager
def _beside(work: Any, over: threading.Event) -> Iterator[None]:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def _logs_to(stream: Any) -> Iterator[None]:
    """Log lines go through the live table's stand-in for the stream, and so appear above it."""
    handlers = [
        handler
        for handler in logging.getLogger().handlers
        if type(handler) is logging.StreamHandler
    ]
    before = [handler.setStream(stream) for handler in handlers]
    try:
        yield
    finally:
        for handler, old in zip(handlers, before, strict=True):
            if old is not None:
                handler.setStream(old)


def _is_record(content: Any) -> bool:
    config = content["config"]
    last = stages_of(config)[-1]
    return type(last.end) is int and isinstance(config["eval"]["split"], str)


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
