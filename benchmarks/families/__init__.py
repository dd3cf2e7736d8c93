"""Families side by side on the same data, each by its own recipe, the slow ones for fewer rounds.

  python -m benchmarks families densities [ring|grid|two_moons] [--seeds=3] [--out=DIR]
  python -m benchmarks families samples [digits|mnist] [--seeds=3] [--out=DIR] [--mnist=DIR] [--features=RUN]
  ... [--only=NAME,NAME] [--scale=0.1]

`densities` trains every family that has a density of points and draws the true and the learned ones in one
figure, `densities.png`. `samples` trains every family that samples images. Each is a sweep over seeds, `genlab
sweep`, that goes on where it was cut; the table is printed and written to `table.md`. `--scale` shortens all
trainings. `--features` names a run of `classifier` whose features the distances are in, in the place of the
classifier of digits that comes with genlab. Times are of the whole sweep, with compiling and measuring. Of the
points the mixture is told how many parts they have.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.families import figure, table
from benchmarks.families.family import DENSITIES, KINDS, Family, of_images


def main(argv: list[str]) -> None:
    """Trains what is not there yet, then prints and draws."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks families")
    parser.add_argument("what", choices=("densities", "samples"))
    parser.add_argument("data", nargs="?", default="")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--mnist", default="")
    parser.add_argument("--features", default="")
    parser.add_argument("--scale", type=float, default=1.0)
    asked = parser.parse_args(argv)
    if asked.what == "densities":
        data = asked.data or "ring"
        if data not in KINDS:
            parser.error(f"no points {data!r}; one of {', '.join(KINDS)}")
        families = [family.on_points(data) for family in DENSITIES]
    else:
        data = asked.data or "digits"
        if data not in ("digits", "mnist"):
            parser.error(f"no images {data!r}; digits or mnist")
        families = of_images(data, asked.mnist, asked.features)
    out = asked.out or Path("runs") / "families" / f"{asked.what}_{data}"
    out.mkdir(parents=True, exist_ok=True)
    names = asked.only.split(",") if asked.only else [each.name for each in families]
    if unknown := set(names) - {each.name for each in families}:
        known = ", ".join(each.name for each in families)
        parser.error(f"no family {', '.join(sorted(unknown))}; of {known}")
    chosen = [each for each in families if each.name in names]
    for family in chosen:
        _train(family, out / family.name, asked.seeds, asked.scale)
    written = table.of([(each, out / each.name) for each in chosen])
    (out / "table.md").write_text(written)
    print(written, flush=True)
    if asked.what == "densities":
        figure.write([(each.name, out / each.name) for each in chosen], out)


def _train(family: Family, sweep: Path, seeds: int, scale: float) -> None:
    arguments = [f"--seeds={seeds}", *family.arguments(scale)]
    done = sweep / table.DONE
    if done.exists():
        if json.loads(done.read_text())["arguments"] != arguments:
            sys.exit(f"{sweep} was trained by other flags; take another --out")
        return
    began = time.monotonic()
    command = [sys.executable, "launch.py", "sweep", f"--workdir={sweep}", *arguments]
    print(f"{family.name}: {' '.join(command[1:])}", flush=True)
    with open(sweep.with_suffix(".log"), "w") as log:
        code = subprocess.call(command, stdout=log, stderr=subprocess.STDOUT)
    if code:
        print(f"{family.name} failed: {sweep.with_suffix('.log')}", flush=True)
        return
    record = {"arguments": arguments, "seconds": time.monotonic() - began}
    done.write_text(json.dumps(record))
