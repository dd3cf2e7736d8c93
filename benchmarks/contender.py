"""One contender in a process of its own: told how many units to run, answers with seconds."""

import contextlib
import importlib
import json
import os
import resource
import select
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class Contender:
    """A process that has built one side of a game and waits for orders.

    Args:
      game: module of this package, `dcgan`.
      name: function of that module that builds the contender's `run(units)`.
      argument: what the function takes, such as the TFDS folder of MNIST.
      environment: variables of the process beside this one's.
      log: file that takes what the process prints; None for the terminal.
    """

    def __init__(
        self,
        game: str,
        name: str,
        argument: str,
        *,
        environment: Mapping[str, str] | None = None,
        log: Path | None = None,
    ):
        self._log = log
        with open(log or os.devnull, "w") as file:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.contender", game, name, argument],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file if log else None,
                env={**os.environ, **(environment or {})},
                text=True,
            )

    def run(self, units: int, timeout: float | None = None) -> float:
        """Seconds that the contender takes for `units`.

        Raises:
          RuntimeError: it died, or did not answer within `timeout` seconds and was ended.
        """
        return float(self._ask(str(units), timeout))

    def facts(self, timeout: float | None = None) -> dict[str, Any]:
        """What `run.facts()` says there."""
        return json.loads(self._ask("facts", timeout))

    def close(self) -> float:
        """Ends the process; peak resident memory in MiB."""
        memory = float(self._ask("memory"))
        self.end()
        return memory

    def end(self) -> None:
        """Ends the process whatever it does."""
        self._process.kill()
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()

    def _ask(self, order: str, timeout: float | None = None) -> str:
        with contextlib.suppress(BrokenPipeError):  # who has died gives no answer below
            print(order, file=self._process.stdin, flush=True)
        if not select.select([self._process.stdout], [], [], timeout)[0]:
            self.end()
            raise RuntimeError(f"no answer within {timeout:.0f} s")
        if answer := self._process.stdout.readline().strip():
            return answer
        self.end()
        lines = self._log.read_text().split("\n") if self._log else []
        said = [line for line in lines if line.strip()][-1:] or self._process.args
        raise RuntimeError(f"a contender died: {' '.join(said)}")


def _serve(game: str, name: str, argument: str) -> None:
    # What libraries print is not an answer.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    run = getattr(importlib.import_module(f"benchmarks.{game}"), name)(argument)
    for order in sys.stdin:
        match order.strip():
            case "memory":
                answer = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            case "facts":
                answer = json.dumps(run.facts())
            case units:
                start = time.perf_counter()
                run(int(units))
                answer = time.perf_counter() - start
        print(answer, file=answers, flush=True)


if __name__ == "__main__":
    _serve(*sys.argv[1:])
