"""Trackio, whose projects are local."""

import contextlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from genlab.registry import writers
from genlab.writers.log import Subject


@writers.register
class Trackio:
    """A run of Trackio, where `trackio show` finds it (TRACKIO_DIR says where)."""

    PACKAGES: ClassVar = ("trackio",)
    EXTRA: ClassVar = "trackio"

    def __init__(self, run: Subject, *, project: str = "genlab"):
        import trackio

        self._trackio = trackio
        with _unsaid():
            self._run = trackio.init(
                project=project,
                name=f"{run.name}-{run.run[:8]}",
                config=run.config,
                resume="allow",
                embed=False,
                auto_log_gpu=False,
                auto_log_cpu=False,
            )

    def write(self, step: int, split: str, values: Mapping[str, float]) -> None:
        """A metric for each value, `SPLIT/NAME`."""
        self._run.log({f"{split}/{name}": v for name, v in values.items()}, step=step)

    def picture(self, step: int, plot: str, path: Path) -> None:
        """An image."""
        self._run.log({f"samples/{plot}": self._trackio.Image(path)}, step=step)

    def close(self) -> None:
        """Ends the run, which a later process goes on with."""
        from trackio import context_vars

        with _unsaid():
            self._run.finish()
        context_vars.current_run.set(None)  # or it is finished again at exit, aloud


def _unsaid() -> contextlib.AbstractContextManager:
    """Inside, what Trackio prints is dropped: standard output is for results."""
    return contextlib.redirect_stdout(io.StringIO())
