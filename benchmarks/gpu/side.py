"""One side of a game as a contender runs it, and what is known of it; genlab's is built here."""

import importlib
import json
import resource
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

MIB = 2**20


@dataclass(frozen=True)
class Side:
    """What a contender runs.

    Attributes:
      run: makes so many rounds and waits for the device.
      facts: versions, precision and peak memory, asked at the end.
    """

    run: Callable[[int], Any]
    facts: Callable[[], dict[str, Any]]

    def __call__(self, rounds: int) -> None:
        self.run(rounds)


def build(argument: str) -> Side:
    """The side that a JSON text asks for: `game`, `way`, and `size`, what the game's builder takes."""
    asked = json.loads(argument)
    game, way = importlib.import_module(f"benchmarks.gpu.{asked['game']}"), asked["way"]
    if way.startswith("torch"):
        from benchmarks.gpu.torch_side import WAYS

        return game.torch(asked["size"], WAYS[way]())
    return game.genlab(asked["size"], "float32" if way == "genlab" else "bfloat16")


def of_genlab(run: Callable[[int], Any], dtype: str) -> Side:
    """genlab's side: a program of `trainer`, or a population's."""
    return Side(run, lambda: _facts(dtype))


def _facts(dtype: str) -> dict[str, Any]:
    import jax

    device = jax.devices()[0]
    peak = (device.memory_stats() or {}).get("peak_bytes_in_use")
    multiply = lambda left, right: jax.numpy.matmul(
        jax.numpy.asarray(left, dtype), jax.numpy.asarray(right, dtype)
    )
    return {
        "version": f"jax {jax.__version__}",
        "device": device.device_kind,
        "dtype": dtype,
        "product_error": product_error(multiply),
        "peak_mib": peak / MIB if peak else resident_mib(),
    }


def product_error(multiply: Callable) -> float:
    """Relative error of a product of normal matrices: 1e-7 of float32, 3e-4 of TF32, 3e-3 of bfloat16."""
    generator = np.random.default_rng(0)
    left, right = generator.normal(size=(2, 512, 512)).astype(np.float32)
    found = np.asarray(multiply(left, right), np.float64)
    true = left.astype(np.float64) @ right.astype(np.float64)
    return float(np.linalg.norm(found - true) / np.linalg.norm(true))


def resident_mib() -> float:
    """Peak resident memory of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
