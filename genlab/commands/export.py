"""`launch.py export`: a trained model for others."""

from pathlib import Path
from typing import Any

from genlab.commands import flags
from genlab.commands.inputs import BEST, WORKDIR, load_trained, output, required
from genlab.errors import InputError
from genlab.evaluation.results import results_file
from genlab.export.hub import check_folder, write_hub_folder
from genlab.export.parameters import write_params


def run(arguments: list[str]) -> None:
    """Writes the variables of a run, a folder for a hub, or a program that samples."""
    values, _ = flags.parse(
        arguments,
        WORKDIR,
        BEST,
        flags.switch("hub", "a folder in the form that model hubs take"),
        flags.switch("stablehlo", "a sampler as StableHLO, its weights inside"),
        flags.number("num", None, "samples that one call of the sampler draws"),
        flags.path("out", None, "a .safetensors file, a folder, or a .stablehlo file"),
    )
    if values.hub and values.stablehlo:
        raise InputError("--hub and --stablehlo write different things; choose one")
    if values.num and not values.stablehlo:
        raise InputError(f"--num={values.num} is read with --stablehlo alone")
    print(_write(values))


def _write(values: Any) -> Path:
    if values.hub:
        out = Path(required(values.out, "out"))
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
