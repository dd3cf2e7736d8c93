"""Whether two processes train to the same bits on the accelerator at hand, and by which flags.

  python -m benchmarks.gpu.same

Each game is trained for 40 rounds by two processes of its own, with XLA as it is, which may choose
other algorithms in each and add in any order, and with the flag that forbids it.
"""

import hashlib
import importlib
import os
import subprocess
import sys
import time

GAMES = ("dcgan", "vae", "unet")
FLAGS = {
    "as it is": "",
    "deterministic": "--xla_gpu_deterministic_ops=true",
}
ROUNDS = 40


def main() -> None:
    """Prints a line for each game and flag."""
    begin, running = time.monotonic(), {}
    for game in GAMES:
        for name, flag in FLAGS.items():
            running[game, name] = [_start(game, flag) for _ in range(2)]
    for (game, name), pair in running.items():
        answers = [process.communicate() for process in pair]
        digests = {out.strip() for out, _ in answers}
        if any(process.returncode for process in pair):
            told = "failed: " + " ".join(answers[0][1].strip().split("\n")[-1:])
        else:
            told = "the same bits" if len(digests) == 1 else "other bits"
        print(f"{game}, {name}: {told}", flush=True)
    print(f"{time.monotonic() - begin:.0f} s in all")


def _start(game: str, flag: str) -> subprocess.Popen:
    flags = f"{os.environ.get('XLA_FLAGS', '')} {flag}".strip()
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.gpu.same", game],
        env={
            **os.environ,
            "XLA_FLAGS": flags,
            "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _digest(game: str) -> str:
    """Of the state after all rounds."""
    import jax
    import numpy as np

    import genlab  # noqa: F401 - before JAX starts
    from benchmarks import gpu

    built = importlib.import_module(f"benchmarks.gpu.{game}")
    sizes = gpu.SMALL if jax.default_backend() == "cpu" else gpu.SIZES
    size = {**sizes[game], "mnist": ""}
    side = built.genlab(size, "float32")
    leaves = jax.tree.leaves(jax.device_get(side.run(ROUNDS)))
    found = hashlib.sha256(b"".join(np.asarray(leaf).tobytes() for leaf in leaves))
    return found.hexdigest()


if __name__ == "__main__":
    if sys.argv[1:]:
        print(_digest(sys.argv[1]))
    else:
        main()
