"""The devices of this machine, shared out among processes."""

import itertools
import os
import shutil
import subprocess
import sys

# A child looks, since whoever initialises JAX holds memory on every GPU until it ends.
_LOOK = (
    "import jax; print(sum(device.platform == 'gpu' for device in jax.local_devices()))"
)
_SHARED_MEMORY = 0.9  # of a GPU that several processes share; the rest is the driver's


def count_gpus() -> int:
    """How many GPUs JAX sees on this machine; 0 where the user chose among them already."""
    if "CUDA_VISIBLE_DEVICES" in os.environ or not shutil.which("nvidia-smi"):
        return 0
    environment = {**os.environ, "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    command = [sys.executable, "-P", "-c", _LOOK]
    looked = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False
    )
    return int(looked.stdout) if looked.returncode == 0 else 0


def environments(workers: int | None, gpus: int) -> list[dict[str, str]]:
    """What each of the processes that run at a time sees beside the user's variables.

    Args:
      workers: how many processes; None for one per GPU, and one where there is none.
      gpus: how many there are; 0 where the user chose some, which several processes share out
        and a lone one keeps. Processes take turns at them; those that share one share its memory
        evenly, unless the user set a share.
    """
    workers = workers or gpus or 1
    known = [str(gpu) for gpu in range(gpus)]
    if not gpus and workers > 1:
        chosen = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
        known = [gpu.strip() for gpu in chosen if gpu.strip()]
    if not known:
        return [{} for _ in range(workers)]
    turns = itertools.islice(itertools.cycle(known), workers)
    seen = [{"CUDA_VISIBLE_DEVICES": gpu} for gpu in turns]
    most = -(-workers // len(known))
    if most > 1 and "XLA_PYTHON_CLIENT_MEM_FRACTION" not in os.environ:
        share = {"XLA_PYTHON_CLIENT_MEM_FRACTION": f"{_SHARED_MEMORY / most:.3f}"}
        seen = [{**one, **share} for one in seen]
    return seen
