"""Sixteen trials of the ring GAN, four learning rates by four seeds: three ways to train them."""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import jax

from benchmarks.genlab_side import trainer
from genlab.config import files
from genlab.sweep.population import Population
from genlab.trials.space import grid, product, seeds
from genlab.trials.trial import resolve

Run = Callable[[int], None]

ROUNDS, PER_CALL = 1000, 100
CONFIG = str(files.CONFIGS / "gan_ring.py")
COMMON = {
    "train.steps": str(ROUNDS),
    "train.steps_per_call": str(PER_CALL),
    "eval.every": "0",
    "eval.metrics": "()",
    "sample.every": "0",
    "sample.plots": "()",
}


def _trials() -> list[dict]:
    rates = (3e-4, 1e-3, 2e-3, 3e-3)
    return product(grid(optimizer__generator__learning_rate=rates), seeds(4))


def population(mnist: str) -> Run:
    """One program that trains all sixteen."""
    (cohort,) = Population(
        resolve(CONFIG, COMMON, _trials()), Path(tempfile.mkdtemp())
    ).cohorts
    resident = cohort.resident()
    crowd, step = cohort.place(cohort.first({})), 0

    def run(units: int) -> None:
        nonlocal crowd, step
        for _ in range(units * ROUNDS // PER_CALL):
            crowd, _ = cohort.call(crowd, resident, step, PER_CALL)
            step += PER_CALL
        jax.block_until_ready(crowd.state)

    return run


def one_after_another(mnist: str) -> Run:
    """One trial sixteen times, compiled before the clock starts."""
    train = trainer("gan_ring.py", COMMON, per_call=PER_CALL)
    return lambda units: train(16 * units * ROUNDS)


def one_trial(mnist: str) -> Run:
    """One trial, compiled before the clock starts."""
    train = trainer("gan_ring.py", COMMON, per_call=PER_CALL)
    return lambda units: train(units * ROUNDS)


def processes(mnist: str) -> Run:
    """Sixteen runs of launch.py, two at a time, as `--engine=local --workers=2` does."""
    program = (
        "import sys; from genlab.commands.cli import main; sys.exit(main(sys.argv))"
    )

    def run(units: int) -> None:
        for _ in range(units):
            with tempfile.TemporaryDirectory() as folder:
                command = [sys.executable, "-c", program, "sweep", f"--config={CONFIG}"]
                command += [
                    "--grid=optimizer.generator.learning_rate=3e-4,1e-3,2e-3,3e-3",
                    *("--seeds=4", "--engine=local", "--workers=2"),
                    f"--workdir={folder}",
                    *(f"--config.{key}={value}" for key, value in COMMON.items()),
                ]
                subprocess.run(command, check=True, capture_output=True)

    return run
