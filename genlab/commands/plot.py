"""`genlab plot`: pictures of a trained run."""

import argparse
from pathlib import Path

from genlab.commands import flags
from genlab.errors import InputError

HELP = "draw plots of a trained run as PNG, PDF, SVG or, of melodies, MIDI"
EXAMPLES = """\
  genlab plot --workdir=runs/vae --plots=interpolations
  genlab plot --workdir=runs/vae --plots=samples,reconstructions --best
  genlab plot --workdir=runs/gan_ring "--plots=({'name': 'samples', 'num_points': 500},)" \\
    --out=ring.pdf
  genlab plot --workdir=runs/music_vae --plots=melody_interpolations --out=paths.mid

`genlab list plots` has their names, knobs and families."""
ROOM = "genlab.evaluation.evaluate"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which plots, of which run."""
    flags.workdir(parser)
    flags.best(parser)
    parser.add_argument(
        "--plots",
        metavar="NAME,...",
        help="names, or a tuple of names and parts as in a config; those of the config without",
    )
    parser.add_argument(
        "--out",
        type=flags.path,
        metavar="FILE",
        default="{plot}.png",
        help="a .png, .pdf or .svg file, the latter with lines and letters where the plot is a"
        " drawing, or of melodies a .mid; of several plots each has its name in the place of {plot}, or before the ending",
    )
    flags.place(parser)


def run(values: argparse.Namespace) -> None:
    """Draws plots of a trained run into files."""
    from genlab.commands.inputs import load_trained, output, place
    from genlab.config.keys import as_part
    from genlab.config.override import parts_of
    from genlab.evaluation.evaluate import pictures
    from genlab.plots.picture import FORMATS
    from genlab.registry import plots
    from genlab.run.course import examples_of

    output(values.out, *FORMATS)
    chosen = values.plots and parts_of(plots, values.plots, "--plots")
    recipe, trained = load_trained(values)
    chosen = chosen or recipe.config["sample"]["plots"]
    if not chosen:
        raise InputError("the config of the run draws no plots; --plots=NAME,... does")
    parts = [as_part(plot, "sample.plots") for plot in chosen]
    workdir, moved = Path(values.workdir), place(values)
    whole = lambda: trained.on(examples_of(recipe, workdir, moved))
    for part, picture in zip(parts, pictures(trained, parts, whole), strict=True):
        file = _file(values.out, part["name"], several=len(parts) > 1)
        picture.save(file)
        print(file)


def _file(out: str, plot: str, *, several: bool) -> Path:
    """The file of one plot."""
    name = plot.replace(":", "-")
    path = Path(out.replace("{plot}", name))
    if several and "{plot}" not in out:
        path = path.with_name(f"{path.stem}-{name}{path.suffix}")
    return path
