"""The meter beside the loop: reads metrics late, keeps the rate, refuses what is not a number."""

import contextlib
import functools
import time
from collections.abc import Iterator
from dataclasses import dataclass

import jax
import numpy as np

from genlab.data.feed import Feed
from genlab.errors import NonFiniteLoss
from genlab.process.bar import Bar
from genlab.writers.log import Log

DERIVED = ("loss", "gradient_norm", "update_norm", "parameter_norm")


@dataclass(frozen=True)
class Work:
    """What a round asks of the devices.

    Attributes:
      operations: of products and convolutions in a round.
      peak: what the devices can do in a second; None where nobody knows.
    """

    operations: int
    peak: float | None

    def done(self, rate: float) -> dict[str, float]:
        """At so many rounds a second."""
        speed = rate * self.operations
        share = {"share_of_peak": speed / self.peak} if self.peak else {}
        return {"gigaflops_per_second": speed / 1e9, **share}


class Meter:
    """Averages metrics over `every` rounds, and shows those of the last call in a bar.

    The metrics of a call are read when the next call is under way, so that the device never waits;
    no more than two calls are in flight.

    Args:
      log: where the averages go.
      every: rounds in one line.
      feed: says how many examples one round takes.
      bar: shows rounds, losses and speed.
      work: of a round, and what the devices can do.
      split: what the lines say they are of.
    """

    def __init__(
        self,
        log: Log,
        every: int,
        feed: Feed,
        bar: Bar,
        work: Work,
        split: str = "train",
    ):
        self._log, self._every, self._bar, self._split = log, every, bar, split
        self._work = work
        self._examples = feed.batch_size * feed.draws
        self._pending: tuple[int, dict[str, jax.Array]] | None = None
        self._rows: list[dict[str, np.ndarray]] = []
        self._mark: float | None = (
            None  # unset until the first call, which compiles, is over
        )
        self._seconds, self._rounds, self._stalled = 0.0, 0, 0.0

    def add(self, step: int, metrics: dict[str, jax.Array]) -> None:
        """Takes the metrics of the call that ends at `step`, `[rounds]` each; reads the last one's.

        Raises:
          NonFiniteLoss: the last call's are not all finite.
        """
        before, self._pending = self._pending, (step, metrics)
        if before is not None:
            self._read(*before)

    def flush(self) -> None:
        """Waits for the newest call and reads it."""
        if self._pending is not None:
            before, self._pending = self._pending, None
            self._read(*before)

    def finish(self, step: int) -> None:
        """Reads the newest call and writes a line for the rounds that have none yet."""
        self.flush()
        if self._rows:
            self._write(step)

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """All calls are read before, and the time inside does not count as training."""
        self.flush()
        yield
        if self._mark is not None:
            self._mark = time.perf_counter()

    @contextlib.contextmanager
    def feeding(self) -> Iterator[None]:
        """Inside, examples are fetched; all of it counts as a stall where the device has nothing left
        to do at the end, so that a stall is never longer than what is logged."""
        begin = time.perf_counter()
        yield
        newest = self._pending[1] if self._pending else {}
        if self._mark is not None and all(leaf.is_ready() for leaf in newest.values()):
            self._stalled += time.perf_counter() - begin

    def _read(self, step: int, metrics: dict[str, jax.Array]) -> None:
        rows = jax.device_get(metrics)
        count = len(next(iter(rows.values())))
        refuse_non_finite(rows, step - count)
        now = time.perf_counter()
        seconds = None if self._mark is None else now - self._mark
        if seconds is not None:
            self._seconds += seconds
            self._rounds += count
        self._mark = now
        self._rows.append(rows)
        self._bar.advance(step, functools.partial(losses_told, rows), seconds)
        if step % self._every == 0:
            self._write(step)

    def _write(self, step: int) -> None:
        self._log.write(step, self._split, average(self._rows))
        if self._rounds:
            rate = self._rounds / self._seconds
            values = {
                "rounds_per_second": rate,
                "examples_per_second": rate * self._examples,
                "data_stall_share": min(1.0, self._stalled / self._seconds),
                **self._work.done(rate),
            }
            self._log.write(step, "time", values)
        self._rows, self._seconds, self._rounds, self._stalled = [], 0.0, 0, 0.0


def average(rows: list[dict[str, np.ndarray]]) -> dict[str, float]:
    """Means over the rounds of several calls, `[rounds]` each."""
    return {
        name: float(np.mean(np.concatenate([row[name] for row in rows])))
        for name in rows[0]
    }


def refuse_non_finite(rows: dict[str, np.ndarray], step: int) -> None:
    """Raises at the earliest round that is not finite, naming a term rather than a norm of it."""
    bad = {name: ~np.isfinite(row) for name, row in rows.items()}
    first = {name: int(np.argmax(flags)) for name, flags in bad.items() if flags.any()}
    if first:
        # A parameter that overflowed shows in its norm one round before it shows in a term.
        name = min(first, key=lambda n: (first[n], n.rpartition("/")[2] in DERIVED))
        raise NonFiniteLoss(
            step + first[name] + 1, name, float(rows[name][first[name]])
        )


def losses_told(rows: dict[str, np.ndarray]) -> str:
    """Each player's mean loss of a call, `[rounds]` each: `losses generator 0.7, critic 1.3`."""
    return _losses({name: f"{np.mean(row):.4g}" for name, row in rows.items()})


def losses_between(rows: dict[str, np.ndarray]) -> str:
    """The least and the greatest of each player's losses over the members, `[members, rounds]` each."""
    means = {name: np.mean(row, axis=1) for name, row in rows.items()}
    return _losses(
        {name: f"{np.min(m):.4g} to {np.max(m):.4g}" for name, m in means.items()}
    )


def _losses(told: dict[str, str]) -> str:
    losses = {
        name.removesuffix("/loss"): text
        for name, text in told.items()
        if name.endswith("/loss")
    }
    if len(losses) == 1:
        return f"loss {next(iter(losses.values()))}"
    told_each = ", ".join(f"{player} {text}" for player, text in losses.items())
    return f"losses {told_each}" if losses else ""
