"""`genlab sample`: samples of a run."""

import argparse
import io

from genlab.commands import flags

HELP = "draw samples of a trained run into a picture, an array or a MIDI file"
EXAMPLES = """\
  genlab sample --workdir=runs/dcgan --num=64 --out=grid.png
  genlab sample --workdir=runs/dcgan --num=10000 --seed=1 --out=samples.npz
  genlab sample --workdir=runs/dcgan-conditional --label=3
  genlab sample --workdir=runs/music_vae --num=4 --out=melodies.mid"""
ROOM = "genlab.plots.samples"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Of which run, how many, and into which file."""
    flags.workdir(parser)
    flags.best(parser)
    add = parser.add_argument
    add("--num", type=flags.count, metavar="N", default=64, help="how many")
    add(
        "--seed",
        type=flags.whole,
        metavar="N",
        default=0,
        help="which of them: another seed draws others, the same the same",
    )
    add(
        "--label",
        metavar="CLASS",
        help="a class, by name or index, of a model that draws classes; any without",
    )
    add(
        "--out",
        type=flags.path,
        metavar="FILE",
        default="samples.png",
        help="a .png; a .npz with the array `samples` and, of images, their `value_range`, which"
        " `genlab eval --images` reads; or of melodies a .mid",
    )


def run(values: argparse.Namespace) -> None:
    """Draws samples into a PNG grid, an npz with the key `samples`, or a MIDI file."""
    import numpy as np

    from genlab.commands.inputs import load_trained, output
    from genlab.plots.picture import Picture
    from genlab.registry import plots
    from genlab.storage.files import write_atomic

    out = output(values.out, ".png", ".npz", ".mid")
    _, trained = load_trained(values)
    drawn = {"num": values.num, "label": values.label, "seed": values.seed}
    if out.suffix == ".npz":
        archive, arrays = io.BytesIO(), {"samples": trained.sample(**drawn)}
        if trained.data.is_image:
            arrays["value_range"] = np.float32(trained.value_range)
        np.savez_compressed(archive, **arrays)
        write_atomic(out, archive.getvalue())
    else:
        picture = plots.build("samples", **drawn)
        Picture.of(picture(trained)).save(out)
    print(out)
