"""One contender of a game and what was found of it; a failing one leaves why it failed."""

import json
import os
import statistics
import time
from pathlib import Path
from typing import Any

from benchmarks.contender import Contender
from benchmarks.gpu.usage import Usage

MEASURE = 0.6  # seconds of one measurement
LONGEST = 30  # seconds after which one has hung
ENVIRONMENT = {
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",  # several share the device
    "TORCHINDUCTOR_COMPILE_THREADS": "2",
    "OMP_NUM_THREADS": "1",  # threads that spin take the time of who is measured
}
WHOLE_CALLS = "--xla_gpu_enable_command_buffer=+WHILE"


class Entry:
    """A way to train a game.

    Attributes:
      label: what the table calls it.
      size: of the game.
      images: of all rounds of all members, a second, one number for each measurement.
      facts: see `Side`.
      idle: share of the time in which no kernel ran; None where nobody knows.
      failed: why there is nothing, or empty.

    Args:
      game: module of this package.
      way: see `side.build`.
      size: what the game's builder takes.
      logs: folder for what the process prints.
      label: see above.
    """

    def __init__(
        self, game: str, way: str, size: dict[str, Any], logs: Path, label: str
    ):
        self.game, self.way, self.size, self.label = game, way, size, label
        self.images: list[float] = []
        self.facts: dict[str, Any] = {}
        self.ready = 0.0
        self.failed = ""
        self._log = logs / f"{game} {label}.log"
        self._contender: Contender | None = None
        self._usage = Usage()

    def warm(self, deadline: float) -> None:
        """Starts the process, lets it compile, and finds how many rounds one measurement takes."""
        begin = time.monotonic()
        if begin > deadline - 5:
            self.failed = "no time was left to start it"
            return
        asked = {"game": self.game, "way": self.way, "size": self.size}
        self._contender = Contender(
            "gpu.side",
            "build",
            json.dumps(asked),
            environment=_environment(self.way),
            log=self._log,
        )
        per_call = self.size["per_call"]
        self._ask(lambda c: c.run(per_call, deadline - time.monotonic()))
        seconds = self._ask(lambda c: c.run(2 * per_call, LONGEST))
        if seconds:
            self._rounds = max(1, round(2 * MEASURE / seconds)) * per_call
        self.ready = time.monotonic() - begin

    def measure(self) -> None:
        """One measurement, with nobody else on the device."""
        with self._usage.watched():
            seconds = self._ask(lambda c: c.run(self._rounds, LONGEST))
        if seconds:
            of_round = self.size["batch"] * max(1, self.size.get("members", 1))
            self.images.append(self._rounds * of_round / seconds)

    def finish(self) -> None:
        """Asks for the facts and ends the process."""
        self.facts = self._ask(lambda c: c.facts(LONGEST)) or {}
        if self._contender and not self.failed:
            self._contender.end()

    @property
    def idle(self) -> float | None:
        return self._usage.idle

    @property
    def median(self) -> float:
        """Images a second."""
        return statistics.median(self.images)

    def found(self) -> dict[str, Any]:
        """All of it, for a file."""
        return {
            "contender": self.label,
            "size": self.size,
            "images_per_second": self.images,
            "idle": self.idle,
            "ready_seconds": self.ready,
            "failed": self.failed,
            **self.facts,
        }

    def _ask(self, order) -> Any:
        """What the contender answers; None from the first failure on."""
        if self.failed or self._contender is None:
            return None
        try:
            return order(self._contender)
        except RuntimeError as error:
            self.failed = str(error)
            return None


def _environment(way: str) -> dict[str, str]:
    if way != "genlab_graphs":
        return ENVIRONMENT
    flags = os.environ.get("XLA_FLAGS", "")
    return {**ENVIRONMENT, "XLA_FLAGS": f"{flags} {WHOLE_CALLS}".strip()}
