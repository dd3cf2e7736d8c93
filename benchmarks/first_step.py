"""Seconds from the start of a process to the end of its first round, without compiled programs and with them.

  python -m benchmarks first_step [CONFIG ...]

Every config by default, as it is. Each trains one round in a process of its own, twice: with an empty
compilation cache, and with what the first one left in it. What is said to be built, imports, data and
networks, is of the second process.
"""

import json
import os
import subprocess
import sys
import tempfile
import time

import jax
import numpy as np

from genlab.config import files
from genlab.config import load as configs
from genlab.game.program import Program
from genlab.process.programs import keep_programs
from genlab.run.recipe import Recipe
from genlab.training.rounds import rounds_of


def main(argv: list[str]) -> None:
    """Prints a line for each config as soon as it is measured."""
    names = argv or [path.stem for path in files.recipes()]
    print(f"{os.cpu_count()} cores, seconds from the start to the first round\n")
    print("| config | cold | warm | built |")
    print("|---|---|---|---|")
    for name in names:
        print(line(name), flush=True)


def line(name: str) -> str:
    """The table's line of a config."""
    with tempfile.TemporaryDirectory() as cache:
        try:
            cold, warm = _measured(name, cache), _measured(name, cache)
        except subprocess.CalledProcessError as error:
            said = [line for line in error.stderr.split("\n") if line.strip()]
            return f"| {name} | failed: {' '.join(said[-1:])} | | |"
    return f"| {name} | {cold['all']:.1f} | {warm['all']:.1f} | {warm['built']:.1f} |"


def _measured(name: str, cache: str) -> dict[str, float]:
    environment = dict(os.environ, XDG_CACHE_HOME=cache)
    environment.pop("JAX_COMPILATION_CACHE_DIR", None)
    begin = time.time()
    found = subprocess.run(
        [sys.executable, "-m", "benchmarks.first_step", name],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    marks = json.loads(found.stdout.splitlines()[-1])
    return {mark: moment - begin for mark, moment in marks.items()}


def _first_round(name: str) -> dict[str, float]:
    """When all was built, and when the first round was over, in seconds of the clock."""
    keep_programs()
    recipe = Recipe.build(configs.plain(configs.load(name)))
    feed = recipe.feed()
    marks = {"built": time.time()}
    program = Program(
        rounds_of(recipe.experiment, feed), jax.devices()[:1], "jit", feed.batch_size
    )
    state, resident = map(program.place, (recipe.init_state(), feed.resident))
    jax.block_until_ready(program(state, resident, feed.chunk(0, 1), np.uint32(0)))
    return {**marks, "all": time.time()}


if __name__ == "__main__":
    print(json.dumps(_first_round(sys.argv[1])))
