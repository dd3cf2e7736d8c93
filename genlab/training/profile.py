"""A trace of some rounds of a run, for https://ui.perfetto.dev: what ran on host and device, and when."""

import logging
import tempfile
from pathlib import Path
from typing import Any

import jax

from genlab.storage.files import write_atomic

_log = logging.getLogger("genlab")


class Profile:
    """Traces the rounds after the first call, which compiles, and writes `trace-STEP.json.gz`.

    Args:
      folder: the run folder.
      rounds: how many, rounded up to whole calls; 0 traces nothing.
    """

    def __init__(self, folder: Path, rounds: int):
        self._folder, self._rounds = folder, rounds
        self._step, self._end = 0, None
        self._place: tempfile.TemporaryDirectory | None = None

    @property
    def missed(self) -> bool:
        """Whether a trace was asked for and there was no second call to begin it."""
        return bool(self._rounds) and self._end is None

    def after_call(self, step: int, state: Any, last: int) -> None:
        """Begins or ends the trace where that is due.

        Args:
          step: rounds done.
          state: what the call up to `step` makes.
          last: rounds after which there is no other call.
        """
        self._step = step
        if self.missed and step < last:
            jax.block_until_ready(state)
            self._begin()
        elif self._place and step >= min(self._end, last):
            jax.block_until_ready(state)
            self.close()

    def close(self) -> None:
        """Writes what there is, where a trace is under way."""
        if not self._place:
            return
        jax.profiler.stop_trace()
        with self._place as folder:
            (found,) = Path(folder).rglob("perfetto_trace.json.gz")
            path = self._folder / f"trace-{self._step}.json.gz"
            write_atomic(path, found.read_bytes())
        self._place = None
        _log.info("%s has a trace of the rounds before, for ui.perfetto.dev", path)

    def _begin(self) -> None:
        self._end = self._step + self._rounds
        self._place = tempfile.TemporaryDirectory()
        options = jax.profiler.ProfileOptions()
        options.python_tracer_level = 0  # every call of a function would be most of it
        jax.profiler.start_trace(
            self._place.name, create_perfetto_trace=True, profiler_options=options
        )
