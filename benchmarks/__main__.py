"""Speed and memory of genlab against its peers, alternating in one run.

  python -m benchmarks [dcgan vae nll rbm pix2pix cyclegan fidelity sweep] [--repeats=7] [--mnist=DIR]
  python -m benchmarks first_step, see benchmarks/first_step.py
  python -m benchmarks faults, see benchmarks/faults/__init__.py
  python -m benchmarks damage, see benchmarks/damage.py
  python -m benchmarks parity, see benchmarks/parity.py
  python -m benchmarks families, see benchmarks/families/__init__.py
  python -m benchmarks devices, see benchmarks/devices.py
  python -m benchmarks gpu, see benchmarks/gpu/__init__.py

Every contender is a process of its own that waits while another is measured, so that thread pools
do not meet. Each repeat lets every contender do the same rounds; the table shows the median of the
repeats, their spread, the ratio of each median to the first one's, and the peak resident memory.
`--mnist` names a folder with MNIST as TFDS prepares it; without it VAE, NLL and RBM take the
embedded digits, resized to 28 px and repeated to 60,000 images.
"""

import argparse
import os
import statistics
import sys
from importlib.util import find_spec

from benchmarks.contender import Contender

GAMES = {
    "dcgan": (
        "DCGAN-64, batch 64, widths 512-256-128-64, one round of both players",
        "seconds a round",
        ("genlab", "constant_batch", "torch", "torch_channels_last", "linen"),
        2,
    ),
    "vae": (
        "MLP-VAE 784-500-20-500-784, batch 100, one epoch of 60,000 images",
        "seconds an epoch",
        ("genlab", "constant_batch", "products", "torch", "pythae"),
        1,
    ),
    "nll": (
        "-log p(x) by 5,000 draws an image, 784-200-200-50-200-200-784, 100 images",
        "seconds an image",
        ("genlab", "torch", "pythae"),
        100,
    ),
    "rbm": (
        "RBM 784-500 by PCD-1, batch 100, one epoch of 60,000 images",
        "seconds an epoch",
        ("genlab", "products", "scikit_learn"),
        1,
    ),
    "pix2pix": (
        "pix2pix, U-Net 32-64-128-256 against patches, 128 px, batch 4, one round of both players",
        "seconds a round",
        ("genlab", "torch", "torch_channels_last"),
        2,
    ),
    "cyclegan": (
        "CycleGAN, width 32, 6 residual blocks, 128 px, batch 1, one round of both players",
        "seconds a round",
        ("genlab", "torch", "torch_channels_last"),
        2,
    ),
    "fidelity": (
        "Inception-v3 of FID, 8 images of 299 px",
        "seconds",
        ("genlab", "torch_fidelity"),
        1,
    ),
    "sweep": (
        "ring GAN, 16 trials of 1,000 rounds, batch 256",
        "seconds for all 16",
        ("population", "one_after_another", "processes", "one_trial"),
        1,
    ),
}
OPTIONAL = ("pythae",)  # packages, and contenders, that no extra installs


def main() -> None:
    """Measures the games named on the command line, all of them by default."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("games", nargs="*", default=list(GAMES), metavar="GAME")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--mnist", default="")
    arguments = parser.parse_args()
    for game in arguments.games:
        if game not in GAMES:
            parser.error(f"no game {game!r}; one of {', '.join(GAMES)}")
    for game in arguments.games:
        measure(game, arguments.repeats, arguments.mnist)


def measure(game: str, repeats: int, mnist: str) -> None:
    """Prints the table of one game."""
    title, unit, names, units = GAMES[game]
    missing = [name for name in names if name in OPTIONAL and not find_spec(name)]
    for name in missing:
        print(f"{game}: without {name}, which is not installed")
    names = [name for name in names if name not in missing]
    contenders = {name: Contender(game, name, mnist) for name in names}
    for contender in contenders.values():
        contender.run(units)  # compiles and warms up
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(repeats):
        for name, contender in contenders.items():
            seconds[name].append(contender.run(units) / units)
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    print(f"\n{title}\n{os.cpu_count()} cores, {repeats} repeats of {units}, {unit}\n")
    print("| contender | median | fastest to slowest | time / first | peak memory |")
    print("|---|---|---|---|---|")
    for name, contender in contenders.items():
        times = seconds[name]
        print(
            f"| {name} | {medians[name]:.3f} | {min(times):.3f} to {max(times):.3f} |"
            f" {medians[name] / medians[names[0]]:.2f} |"
            f" {contender.close():,.0f} MiB |",
            flush=True,
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["faults"]:
        from benchmarks import faults

        sys.exit(faults.main(sys.argv[2:]))
    if sys.argv[1:2] == ["damage"]:
        from benchmarks import damage

        sys.exit(damage.main())
    if sys.argv[1:2] == ["parity"]:
        from benchmarks import parity

        sys.exit(parity.main(*map(int, sys.argv[2:3])))
    if sys.argv[1:2] == ["first_step"]:
        from benchmarks import first_step

        sys.exit(first_step.main(sys.argv[2:]))
    if sys.argv[1:2] == ["families"]:
        from benchmarks import families

        sys.exit(families.main(sys.argv[2:]))
    if sys.argv[1:2] == ["devices"]:
        from benchmarks import devices

        sys.exit(devices.main(sys.argv[2:]))
    if sys.argv[1:2] == ["gpu"]:
        from benchmarks import gpu

        sys.exit(gpu.main(sys.argv[2:]))
    main()
