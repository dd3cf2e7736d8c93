"""Training on the accelerator at hand, against PyTorch: images a second, memory, idle time.

  python -m benchmarks gpu [dcgan vae unet population cyclegan] [--seconds=150] [--repeats=5] [--out=FILE.json]
    [--mnist=DIR] [--members=1,4,16,64] [--ways=WAY,WAY] [--at-once=N] [--small]

  genlab, genlab_bf16   as `launch.py` trains, float32 and `--config.dtype=bfloat16`
  genlab_graphs         bfloat16, with the rounds of a call as one CUDA graph (XLA's `+WHILE`)
  torch                 eager, float32
  torch_bf16            eager, autocast to bfloat16, channels last, fused Adam
  torch_compiled        the same by `torch.compile`
  torch_graphs          the same by `torch.compile(mode="reduce-overhead")`, which replays CUDA graphs
  one, 4 members        ring GANs: a run, and so many in one program

Float32 products are in TF32 on both sides, as JAX has them by itself on an NVIDIA GPU; the measured
error of a product says so. Every contender is a process of its own that waits while another is
measured; `--at-once` warm up at a time, half as many as there are cores, and all of them before the first
measurement. A smaller number gives compilers that time their own kernels more quiet. Two thirds of
`--seconds` are for that; who is not ready by then, or dies, leaves a line. Idle is the share of time
in which no kernel runs, by NVML where its Python module is installed. Without an accelerator, or with
`--small`, the sizes are small and the numbers show only that all runs.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.gpu import table
from benchmarks.gpu.entry import Entry

GENLAB = ("genlab", "genlab_bf16", "genlab_graphs")
TORCH = ("torch", "torch_bf16")
TITLES = {
    "dcgan": "DCGAN-64, a round of both players",
    "vae": "MLP-VAE 784-500-20-500-784",
    "unet": "pix2pix, U-Net against patches, a round of both players",
    "cyclegan": "CycleGAN, a round of both players",
    "population": "ring GANs of two perceptrons, a round of both players",
}
WAYS = {
    "dcgan": (*GENLAB, *TORCH, "torch_compiled", "torch_graphs"),
    "vae": (*GENLAB, *TORCH, "torch_graphs"),
    "unet": (*GENLAB[:2], *TORCH, "torch_graphs"),
    "cyclegan": (*GENLAB[:2], *TORCH, "torch_graphs"),
}
SIZES = {
    "dcgan": dict(batch=128, width=64, per_call=20),
    "vae": dict(batch=100, per_call=100),
    "unet": dict(batch=16, side=256, width=64, depth=8, layers=3, per_call=10),
    "cyclegan": dict(batch=1, side=256, width=64, blocks=9, layers=3, per_call=10),
    "population": dict(batch=256, per_call=100),
}
SMALL = {
    "dcgan": dict(batch=8, width=8, per_call=2),
    "vae": dict(batch=100, per_call=20),
    "unet": dict(batch=2, side=32, width=4, depth=4, layers=1, per_call=2),
    "cyclegan": dict(batch=1, side=16, width=4, blocks=1, layers=1, per_call=2),
    "population": dict(batch=32, per_call=20),
}
DEFAULT = ("dcgan", "vae", "unet", "population")
WARMING = 2 / 3  # of the time
# Those that ratios refer to begin first, then the slowest to get ready.
FIRST = (
    *("torch", "one", "torch_graphs", "torch_compiled", "64 members"),
    *("genlab_bf16", "genlab", "genlab_graphs"),
)


def main(argv: list[str]) -> None:
    """Measures the games that the arguments name, all but `cyclegan` by default."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks gpu")
    parser.add_argument("games", nargs="*", metavar="GAME")
    parser.add_argument("--seconds", type=float, default=150)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--mnist", default="")
    parser.add_argument("--members", default="1,4,16,64")
    parser.add_argument("--ways", default="")
    parser.add_argument(
        "--at-once", type=int, default=max(1, (os.cpu_count() or 2) // 2)
    )
    parser.add_argument("--small", action="store_true")
    asked = parser.parse_args(argv)
    games = asked.games or DEFAULT
    if unknown := set(games) - set(SIZES):
        parser.error(f"no games {', '.join(unknown)}; take of {', '.join(SIZES)}")
    known = {way for ways in WAYS.values() for way in ways}
    if unknown := set(filter(None, asked.ways.split(","))) - known:
        parser.error(
            f"no ways {', '.join(unknown)}; take of {', '.join(sorted(known))}"
        )
    begin = time.monotonic()
    platform, kind = _device()
    small = asked.small or platform == "cpu"
    print(f"{kind} ({platform}), {os.cpu_count()} cores", flush=True)
    if small:
        print("small sizes: the numbers show that all runs, not how fast it is")
    with tempfile.TemporaryDirectory() as logs:
        entries = {game: _entries(game, asked, small, Path(logs)) for game in games}
        everyone = [entry for group in entries.values() for entry in group]
        _warm(everyone, asked.at_once, begin + WARMING * asked.seconds)
        print(f"ready after {time.monotonic() - begin:.0f} s", flush=True)
        _measure(everyone, asked.repeats, begin + asked.seconds)
        with ThreadPoolExecutor() as pool:
            list(pool.map(Entry.finish, everyone))
    for game, group in entries.items():
        print(f"\n{TITLES[game]}: {table.size_told(group[0].size)}\n")
        print(table.of(group), flush=True)
    print(f"\n{time.monotonic() - begin:.0f} s in all")
    if asked.out:
        found = {game: [e.found() for e in group] for game, group in entries.items()}
        record = {"device": kind, "platform": platform, "small": small, "games": found}
        asked.out.write_text(json.dumps(record, indent=1))


def _device() -> tuple[str, str]:
    """Platform and kind of the first device, asked by a child: who asks JAX holds memory on it."""
    look = "import jax; d = jax.devices()[0]; print(d.platform, d.device_kind)"
    found = subprocess.run(
        [sys.executable, "-c", look], capture_output=True, text=True, check=True
    )
    platform, _, kind = found.stdout.strip().partition(" ")
    return platform, kind


def _entries(
    game: str, asked: argparse.Namespace, small: bool, logs: Path
) -> list[Entry]:
    size: dict[str, Any] = (SMALL if small else SIZES)[game]
    if game == "population":
        counts = [0, *map(int, asked.members.split(","))]
        labels = [f"{n} members" if n else "one" for n in counts]
        sized = [{**size, "members": n} for n in counts]
        return [
            Entry(game, "genlab", each, logs, label)
            for label, each in zip(labels, sized, strict=True)
        ]
    if game == "vae":
        size = {**size, "mnist": asked.mnist}
    ways = asked.ways.split(",") if asked.ways else WAYS[game]
    return [Entry(game, way, size, logs, way) for way in ways]


def _warm(entries: list[Entry], at_once: int, deadline: float) -> None:
    order = sorted(
        entries,
        key=lambda e: FIRST.index(e.label) if e.label in FIRST else len(FIRST),
    )
    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(lambda entry: entry.warm(deadline), order))


def _measure(entries: list[Entry], repeats: int, deadline: float) -> None:
    """Every contender in turn, as many times as there is time for, and once at least."""
    for repeat in range(repeats):
        begin = time.monotonic()
        for entry in entries:
            entry.measure()
        if repeat + 1 < repeats and 2 * time.monotonic() - begin > deadline:
            return
