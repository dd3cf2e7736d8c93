"""`launch.py sample`: samples of a run."""

import io

import numpy as np

from genlab.commands import flags
from genlab.commands.inputs import BEST, WORKDIR, load_trained, output
from genlab.plots.grid import enlarge, save_png
from genlab.registry import plots
from genlab.storage.files import write_atomic


def run(arguments: list[str]) -> None:
    """Draws samples into a PNG grid or an npz with the key `samples`."""
    values, _ = flags.parse(
        arguments,
        WORKDIR,
        BEST,
        flags.number("num", 64, "samples"),
        flags.path("out", "samples.png", "a .png or .npz file"),
        flags.text("label", None, "a class, by name or index"),
    )
    out = output(values.out, ".png", ".npz")
    _, trained = load_trained(values)
    if out.suffix == ".npz":
        archive = io.BytesIO()
        np.savez_compressed(archive, samples=trained.sample(values.num, values.label))
        write_atomic(out, archive.getvalue())
    else:
        picture = plots.build("samples", num=values.num, label=values.label)
        save_png(out, enlarge(picture(trained)))
    print(out)
