"""`genlab export`: a trained model for others."""

import argparse
from pathlib import Path

from genlab.commands import flags
from genlab.errors import InputError

HELP = "write a trained model for others: weights, a hub's folder, a program"
EXAMPLES = """\
  genlab export --workdir=runs/dcgan --out=params.safetensors
  genlab export --workdir=runs/dcgan --hub --out=FOLDER      weights, config, samples, model card
  genlab export --workdir=runs/dcgan --stablehlo --num=64 --out=sampler.stablehlo"""
ROOM = "genlab.export.hub"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which run, in which form."""
    flags.workdir(parser)
    flags.best(parser)
    parser.add_argument(
        "--hub",
        action="store_true",
        help="a folder in the form that model hubs take",
    )
    parser.add_argument(
        "--stablehlo",
        action="store_true",
        help="a sampler as StableHLO, its weights inside, that `jax.export.deserialize` reads",
    )
    parser.add_argument(
        "--num",
        type=flags.count,
        metavar="N",
        help="samples that one call of the sampler draws; 64 without",
    )
    parser.add_argument(
        "--out",
        type=flags.path,
        metavar="PATH",
        help="a file .safetensors or .stablehlo, or the folder of --hub; params.safetensors or"
        " sampler.stablehlo without",
    )


def run(values: argparse.Namespace) -> None:
    """Writes the variables of a run, a folder for a hub, or a program that samples."""
    if values.hub and values.stablehlo:
        raise InputError("--hub and --stablehlo write different things; choose one")
    if values.hub and not values.out:
        raise InputError("--hub writes a folder; --out=FOLDER names it")
    if values.num and not values.stablehlo:
        raise InputError(f"--num={values.num} is read with --stablehlo alone")
    print(_write(values))


def _write(values: argparse.Namespace) -> Path:
    from genlab.commands.inputs import load_trained, output
    from genlab.export.hub import check_folder, write_hub_folder
    from genlab.export.parameters import write_params
    from genlab.run.folder import results_file

    if values.hub:
        out = Path(values.out)
        check_folder(out)
        recipe, trained = load_trained(values)
        file, workdir = results_file(values.best), Path(values.workdir)
        write_hub_folder(out, workdir, trained, recipe.config, file)
    elif values.stablehlo:
        from genlab.export.sampler import write_sampler

        out = output(values.out or "sampler.stablehlo", ".stablehlo")
        _, trained = load_trained(values)
        write_sampler(out, trained, values.num or 64)
    else:
        out = output(values.out or "params.safetensors", ".safetensors")
        recipe, trained = load_trained(values)
        write_params(out, trained, recipe.config)
    return out
