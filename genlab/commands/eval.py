"""`genlab eval`: a run measured, or images that are there already."""

import argparse
import json
from pathlib import Path
from typing import Any

from genlab.commands import flags

HELP = "measure a trained run and write its report anew; or a set of images"
EXAMPLES = """\
  genlab eval --workdir=runs/dcgan
  genlab eval --workdir=runs/dcgan --metrics=class_coverage,diversity
  genlab eval --workdir=runs/vae "--metrics=({'name': 'posterior', 'num': 1000},)"
  genlab eval --workdir=runs/faces --config.data.name=folder:NEW/PLACE
  genlab eval --images=samples --reference=folder:photos --metrics=frechet,kid,precision_recall
  genlab eval --images=samples.npz "--reference={'name': 'digits', 'image_size': 32}" --metrics=frechet

`genlab list metrics` has their names, knobs and families; images serve all that need samples and nothing
else of a model."""
ROOM = "genlab.evaluation.results"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which run, and what of it."""
    flags.workdir(parser, required=False)
    flags.best(parser)
    parser.add_argument(
        "--images",
        type=flags.path,
        metavar="PATH",
        help="a folder of image files or a .npz file, in the place of a run; made by whatever program",
    )
    parser.add_argument(
        "--reference",
        metavar="DATA",
        help="the data that --images are held against, by name or as a part: digits, folder:PATH,"
        " npz:PATH, tfds:NAME; `genlab list data` has them",
    )
    parser.add_argument(
        "--out",
        metavar="FILE.json",
        help="where the results of --images go as well",
    )
    parser.add_argument(
        "--metrics",
        metavar="NAME,...",
        help="what to measure, added to what is known of the same round; names, or a tuple of names"
        " and parts as in a config; without, the metrics of the config, all anew",
    )
    flags.place(parser)


def run(values: argparse.Namespace) -> None:
    """Measures a run and rewrites its results.json and report, or measures images."""
    from genlab.errors import InputError
    from genlab.process.streams import deliver

    if not values.images:
        for flag in ("reference", "out"):
            if getattr(values, flag):
                raise InputError(f"--{flag} goes with --images=PATH")
        if not values.workdir:
            raise InputError(
                "--workdir is needed, --workdir=DIR, or --images=PATH with --reference=DATA"
            )
    elif values.workdir or values.best or values.overrides:
        raise InputError(
            "--images are measured without a run; --workdir and its flags go alone"
        )
    record = _of_images(values) if values.images else _of_run(values)
    deliver(json.dumps(record, indent=1))


def _of_run(values: argparse.Namespace) -> dict[str, Any]:
    from genlab.commands.inputs import load_trained
    from genlab.config.override import parts_of
    from genlab.evaluation.results import write_results
    from genlab.registry import metrics
    from genlab.run.folder import locked, results_file

    recipe, trained = load_trained(values, with_examples=True)
    chosen = values.metrics and parts_of(metrics, values.metrics, "--metrics")
    workdir = Path(values.workdir)
    with locked(workdir):
        return write_results(
            workdir, trained, recipe.config, chosen or None, results_file(values.best)
        )


def _of_images(values: argparse.Namespace) -> dict[str, Any]:
    from genlab.commands.inputs import output
    from genlab.config.override import part_of, parts_of
    from genlab.errors import InputError
    from genlab.evaluation.image_set import ImageSet, read_images
    from genlab.process.programs import keep_programs
    from genlab.registry import datasets, metrics
    from genlab.storage.files import write_atomic

    for flag, example in {"reference": "DATA", "metrics": "frechet,kid"}.items():
        if not getattr(values, flag):
            raise InputError(f"--images needs --{flag}, --{flag}={example}")
    out = values.out and output(values.out, ".json")
    chosen = parts_of(metrics, values.metrics, "--metrics")
    reference = part_of(datasets, values.reference, "--reference")
    keep_programs()
    images = read_images(Path(values.images))
    record = ImageSet(images, datasets.choose(reference)()).measured(chosen)
    if out:
        write_atomic(out, json.dumps(record, indent=1))
    return record
