"""Families side by side on the same data, each by its own recipe, and one family by many methods.

  python -m benchmarks families densities [ring|grid|two_moons] [--seeds=3] [--out=DIR]
  python -m benchmarks families samples [digits|mnist16|mnist] [--seeds=3] [--out=DIR] [--mnist=DIR] [--features=RUN]
  python -m benchmarks families probes [digits|mnist] [--seeds=3] [--out=DIR] [--mnist=DIR]
  python -m benchmarks families methods [ring|grid] [--seeds=10] [--out=DIR]
  ... [--only=NAME,NAME] [--scale=0.1]

`densities` trains every family that has a density of points and draws the true and the learned ones in one
figure, `densities.png`. `samples` trains every family that samples images, the slow ones for fewer rounds.
`probes` trains every family that has codes, and asks these for the class beside raw pixels, PCA and the
untrained encoder. `methods` trains the plain GAN of PacGAN's protocol and each objective, penalty and stabiliser in its place. Each is
a sweep over seeds, `genlab sweep`, that goes on where it was cut; the table is printed and written to `table.md`,
with a row of real examples where metrics have a floor. `--scale` shortens all trainings. `--features` names a run of `classifier` whose features the distances are in, in the place of the
classifier of digits that comes with genlab. Times are of the whole sweep, with compiling and measuring. Of the
points the mixture is told how many parts they have.
"""

import argparse
import json
import math
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.families import figure, probes, table
from benchmarks.families.family import (
    DENSITIES,
    KINDS,
    MIXTURES,
    Family,
    of_codes,
    of_images,
    of_methods,
)

ROOT = Path(__file__).parents[2]
DATA = {  # the first is the default
    "densities": tuple(KINDS),
    "samples": ("digits", "mnist16", "mnist"),
    "probes": ("digits", "mnist"),
    "methods": MIXTURES,
}


def main(argv: list[str]) -> None:
    """Trains what is not there yet, then prints and draws."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks families")
    parser.add_argument("what", choices=tuple(DATA))
    parser.add_argument("data", nargs="?", default="")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--mnist", default="")
    parser.add_argument("--features", default="")
    parser.add_argument("--scale", type=float, default=1.0)
    asked = parser.parse_args(argv)
    data = asked.data or DATA[asked.what][0]
    if data not in DATA[asked.what]:
        known = ", ".join(DATA[asked.what])
        parser.error(f"no data {data!r} for {asked.what}; one of {known}")
    if asked.seeds < 1 or not 0 < asked.scale < math.inf:
        parser.error(
            f"--seeds={asked.seeds} --scale={asked.scale:g}: one seed or more, and a scale above 0"
        )
    if data.startswith("mnist") and not Path(asked.mnist or "nowhere").is_dir():
        parser.error(
            f"--mnist={asked.mnist}: {data} needs the folder of MNIST as TFDS prepares it"
        )
    if asked.what == "densities":
        families = [family.on_points(data) for family in DENSITIES]
    elif asked.what == "methods":
        families = of_methods(data)
    elif asked.what == "probes":
        families = of_codes(data, asked.mnist)
    else:
        families = of_images(data, asked.mnist, asked.features)
    out = asked.out or Path("runs") / "families" / f"{asked.what}_{data}"
    out.mkdir(parents=True, exist_ok=True)
    names = asked.only.split(",") if asked.only else [each.name for each in families]
    if unknown := set(names) - {each.name for each in families}:
        known = ", ".join(each.name for each in families)
        parser.error(f"no family {', '.join(sorted(unknown))}; of {known}")
    chosen = [each for each in families if each.name in names]
    trained = [
        each
        for each in chosen
        if _train(each, out / each.name, asked.seeds, asked.scale)
    ]
    sweeps = [(each, out / each.name) for each in chosen]
    written = probes.of(sweeps, out) if asked.what == "probes" else table.of(sweeps)
    (out / "table.md").write_text(written)
    print(written, flush=True)
    if asked.what == "densities" and trained:
        figure.write([(each.name, out / each.name) for each in trained], out)
    if failed := [each.name for each in chosen if each not in trained]:
        sys.exit(f"failed: {', '.join(failed)}; {out} has the log of each")


def _train(family: Family, sweep: Path, seeds: int, scale: float) -> bool:
    """Whether the family is trained, now or before."""
    arguments = [f"--seeds={seeds}", *family.arguments(scale)]
    done = sweep / table.DONE
    if done.exists():
        if json.loads(done.read_text())["arguments"] != arguments:
            sys.exit(f"{sweep} was trained by other flags; take another --out")
        return True
    began = time.monotonic()
    said = ["launch.py", "sweep", f"--workdir={sweep}", *arguments]
    print(f"{family.name}: {' '.join(said)}", flush=True)
    command = [sys.executable, str(ROOT / "launch.py"), *said[1:]]
    with open(sweep.with_suffix(".log"), "w") as log:
        code = subprocess.call(command, stdout=log, stderr=subprocess.STDOUT)
    if code:
        print(f"{family.name} failed: {sweep.with_suffix('.log')}", flush=True)
        return False
    record = {"arguments": arguments, "seconds": time.monotonic() - began}
    done.write_text(json.dumps(record))
    return True
