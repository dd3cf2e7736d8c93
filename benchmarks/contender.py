"""One contender in a process of its own: told how many units to run, answers with seconds."""

import importlib
import resource
import subprocess
import sys
import time


class Contender:
    """A process that has built one side of a game and waits for orders.

    Args:
      game: module of this package, `dcgan`.
      name: function of that module that builds the contender's `run(units)`.
      mnist: TFDS folder of MNIST, or empty.
    """

    def __init__(self, game: str, name: str, mnist: str):
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.contender", game, name, mnist],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, units: int) -> float:
        """Seconds that the contender takes for `units`."""
        return float(self._ask(str(units)))

    def close(self) -> float:
        """Ends the process; peak resident memory in MiB."""
        memory = float(self._ask("memory"))
        self._process.stdin.close()
        self._process.wait()
        return memory

    def _ask(self, order: str) -> str:
        print(order, file=self._process.stdin, flush=True)
        if answer := self._process.stdout.readline().strip():
            return answer
        raise RuntimeError(f"a contender died: {self._process.args}")


def _serve(game: str, name: str, mnist: str) -> None:
    run = getattr(importlib.import_module(f"benchmarks.{game}"), name)(mnist)
    for order in sys.stdin:
        if order.strip() == "memory":
            answer = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        else:
            start = time.perf_counter()
            run(int(order))
            answer = time.perf_counter() - start
        print(answer, flush=True)


if __name__ == "__main__":
    _serve(*sys.argv[1:])
