"""`genlab translate`: images through a trained translator."""

import argparse
from pathlib import Path

from genlab.commands import flags

HELP = "translate images of any size into a folder of PNG files"
EXAMPLES = """\
  genlab translate --workdir=runs/pix2pix --input=drawing.png --out=translated
  genlab translate --workdir=runs/cyclegan --input=PHOTOS --out=PAINTINGS --back"""
ROOM = "genlab.evaluation.translate"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which translator, and what goes through it."""
    flags.workdir(parser, "the run folder of a translator")
    flags.best(parser)
    parser.add_argument(
        "--input",
        type=flags.path,
        required=True,
        metavar="PATH",
        help="an image file, or a folder of them",
    )
    parser.add_argument(
        "--out",
        type=flags.path,
        required=True,
        metavar="DIR",
        help="the folder to write into",
    )
    parser.add_argument(
        "--back",
        action="store_true",
        help="from y to x, where the model knows both ways",
    )
    parser.add_argument(
        "--skip-unreadable",
        action="store_true",
        help="leave out images that cannot be read",
    )


def run(values: argparse.Namespace) -> None:
    """Translates an image, or a folder of images of any size, into a folder of PNG files."""
    from genlab.commands.inputs import load_trained
    from genlab.evaluation.translate import FileTranslator

    out = Path(values.out)
    _, trained = load_trained(values)
    written, skipped = FileTranslator(trained, values.back)(
        Path(values.input), out, skip_unreadable=values.skip_unreadable
    )
    print(f"{out}: {written} images" + (f", {skipped} skipped" if skipped else ""))
