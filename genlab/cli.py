"""The commands of launch.py: flags in, one line out for every mistake."""

import json
import logging
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from absl.flags import Error as FlagError

from genlab import flags
from genlab.errors import InputError, NonFiniteLoss, Stopped, suggest

EXIT_DIVERGED = 1
EXIT_INPUT = 2
EXIT_INTERRUPTED = 130
EXIT_STOPPED = 75  # EX_TEMPFAIL: the same command goes on

USAGE = """\
genlab trains, evaluates and samples deep generative models.

  python launch.py --config=configs/dcgan.py[:variant] [--workdir=DIR] [--config.KEY=VALUE ...]
  python launch.py list [experiments|objectives|models|datasets|metrics|plots|configs] [--json]
  python launch.py check  --config=FILE          shapes, parameters, memory; no training
  python launch.py eval   --workdir=DIR [--metrics=NAME,... or a tuple] [--best]
  python launch.py sample --workdir=DIR --num=64 --out=grid.png (or .npz) [--best]
  python launch.py translate --workdir=DIR --input=PATH --out=DIR [--back] [--skip-unreadable]
  python launch.py sweep  --config=FILE --sweep=NAME | --grid='KEY=A,B;KEY=C,D' [--seeds=N]
                          [--engine=population|local|ray|slurm] [--workers=N] [--trials=N]
                          population: [--target=[-]VALUE --pruner=halving | --evolve=ROUNDS]
  python launch.py sweep  --config=FILE --sweep=SPACE --engine=local|ray --target=[-]VALUE
                          --trials=N [--sampler=tpe|gp|cmaes|random|grid]
                          [--pruner=none|halving|hyperband] [--storage=URL] [--address=RAY]
  python launch.py report --workdir=DIR
  python launch.py export --workdir=DIR --out=params.safetensors [--best]

Every command takes --verbose, which shows the traceback of an error.
"""


def main(argv: list[str]) -> int:
    """Runs one command; returns its exit code: 0, 2 for bad input, 1 diverged, 75 stopped."""
    sys.path.append(os.getcwd())  # parts of the user's own, named by their path
    logging.basicConfig(format="%(name)s: %(message)s", level=logging.WARNING)
    logging.getLogger("genlab").setLevel(logging.INFO)
    name, rest = _split_command(argv[1:])
    verbose = "--verbose" in rest
    try:
        if name == "help":
            print(USAGE, end="")
            return 0
        if name not in COMMANDS:
            raise InputError(f"unknown command {name!r}{suggest(name, COMMANDS)}")
        return COMMANDS[name](rest) or 0
    except InputError as error:
        return _complain(error, verbose, EXIT_INPUT)
    except FlagError as error:
        return _complain(error, verbose, EXIT_INPUT)
    except Stopped as stopped:
        print(f"genlab: {stopped}", file=sys.stderr)
        return EXIT_STOPPED
    except NonFiniteLoss as error:
        return _complain(error, verbose, EXIT_DIVERGED)
    except KeyboardInterrupt:
        return _complain(InputError("interrupted"), verbose, EXIT_INTERRUPTED)
    except BrokenPipeError:  # the reader of our output, `| head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:  # a full disk, a file that may not be written
        if error.filename is None and error.strerror is None:
            raise
        where = f"{error.filename}: " if error.filename else ""
        return _complain(InputError(f"{where}{error.strerror}"), verbose, EXIT_INPUT)


def _split_command(arguments: list[str]) -> tuple[str, list[str]]:
    if not arguments or arguments[0] == "help" or {"--help", "-h"} & set(arguments):
        return "help", []
    if arguments[0].startswith("-"):
        return "train", arguments
    return arguments[0], arguments[1:]


def _complain(error: Exception, verbose: bool, code: int) -> int:
    if verbose:
        traceback.print_exc()
    line = " ".join(str(error).split())
    print(f"genlab: error: {line}", file=sys.stderr)
    return code


CONFIG = flags.text("config", None, "config file, FILE[:variant]")
WORKDIR = flags.text("workdir", None, "run folder")
BEST = flags.switch("best", "the best checkpoint instead of the newest")


def _required(value: str | None, flag: str) -> str:
    if not value:
        raise InputError(f"--{flag} is needed, --{flag}={flag.upper()}")
    return value


def _load_config(path: str, overrides: dict[str, str]) -> tuple[dict, dict]:
    """The plain config with the overrides applied, and what they set."""
    from genlab import config as configs
    from genlab import override

    config = configs.load(path)
    changed = override.apply(config, overrides)
    return configs.plain(config), changed


def _prepare_jax() -> None:
    """The persistent compilation cache, on unless the user placed it elsewhere."""
    import jax

    if not jax.config.jax_compilation_cache_dir:
        home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        jax.config.update(
            "jax_compilation_cache_dir", str(Path(home) / "genlab" / "xla")
        )
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)


def _load_trained(values: Any):
    from genlab.course import load_run

    _prepare_jax()
    recipe, state = load_run(Path(_required(values.workdir, "workdir")), values.best)
    return recipe, recipe.trained(state)


def train(arguments: list[str]) -> None:
    """Trains a config in its run folder, or goes on where the folder stands."""
    values, overrides = flags.parse(arguments, CONFIG, WORKDIR)
    path = _required(values.config, "config")
    config, changed = _load_config(path, overrides)
    workdir = Path(values.workdir or _default_workdir(path))
    _prepare_jax()
    from genlab.train import train as run

    run(config, workdir, changed)
    print(f"done: {workdir}/report.html")


def _default_workdir(path: str) -> Path:
    file, _, variant = path.partition(":")
    return Path("runs") / "-".join(filter(None, (Path(file).stem, variant)))


def check(arguments: list[str]) -> None:
    """Builds a config without training it: shapes, parameters, memory."""
    values, overrides = flags.parse(arguments, CONFIG)
    config, _ = _load_config(_required(values.config, "config"), overrides)
    from genlab.check import describe

    print(describe(config))


def list_parts(arguments: list[str]) -> None:
    """Every registered part with its knobs, defaults and paper."""
    kind = ""
    if arguments and not arguments[0].startswith("-"):
        kind, *arguments = arguments
    values, _ = flags.parse(arguments, flags.switch("json", "machine-readable"))
    from genlab import catalogue

    parts = catalogue.collect(kind)
    print(json.dumps(parts, indent=1) if values.json else catalogue.render(parts))


def evaluate(arguments: list[str]) -> None:
    """Measures a run and rewrites its results.json and report."""
    values, _ = flags.parse(
        arguments, WORKDIR, BEST, flags.text("metrics", None, "names, or a tuple")
    )
    recipe, trained = _load_trained(values)
    from genlab.override import metrics_of
    from genlab.run import locked
    from genlab.train import write_results

    chosen = metrics_of(values.metrics) if values.metrics else None
    workdir = Path(values.workdir)
    file = "results-best.json" if values.best else "results.json"
    with locked(workdir):
        record = write_results(workdir, trained, recipe.config, chosen, file)
    print(json.dumps(record, indent=1))


def sample(arguments: list[str]) -> None:
    """Draws samples into a PNG grid or an npz with the key `samples`."""
    values, _ = flags.parse(
        arguments,
        WORKDIR,
        BEST,
        flags.number("num", 64, "samples"),
        flags.text("out", "samples.png", "a .png or .npz file"),
    )
    out = _output(values.out, ".png", ".npz")
    _, trained = _load_trained(values)
    if out.suffix == ".npz":
        import numpy as np

        np.savez_compressed(out, samples=trained.sample(values.num))
    else:
        from genlab.plots.grid import enlarge, save_png
        from genlab.registry import plots

        save_png(out, enlarge(plots.build("samples", num=values.num)(trained)))
    print(out)


def translate(arguments: list[str]) -> None:
    """Translates an image, or a folder of images of any size, into a folder of PNG files."""
    values, _ = flags.parse(
        arguments,
        WORKDIR,
        BEST,
        flags.text("input", None, "an image file, or a folder of them"),
        flags.text("out", None, "folder to write into"),
        flags.switch("back", "from y to x, where the model knows both ways"),
        flags.switch("skip-unreadable", "leave out images that cannot be read"),
    )
    source = Path(_required(values.input, "input"))
    out = Path(_required(values.out, "out"))
    _, trained = _load_trained(values)
    from genlab.translate import FileTranslator

    skip = values["skip-unreadable"].value
    translate_files = FileTranslator(trained, values.back)
    written, skipped = translate_files(source, out, skip_unreadable=skip)
    print(f"{out}: {written} images" + (f", {skipped} skipped" if skipped else ""))


def _output(path: str, *suffixes: str) -> Path:
    out = Path(path)
    if out.suffix not in suffixes:
        raise InputError(f"--out={path}: the file must end in {' or '.join(suffixes)}")
    if out.is_dir():
        raise InputError(f"--out={path} is a folder")
    if not out.parent.is_dir():
        raise InputError(f"--out={path}: there is no folder {str(out.parent)!r}")
    return out


def sweep(arguments: list[str]) -> None:
    """Trains the trials of a sweep and writes their table."""
    values, common = flags.parse(
        arguments,
        CONFIG,
        WORKDIR,
        flags.text("sweep", None, "name of a sweep_NAME() in the config file"),
        flags.text("grid", None, "KEY=VALUE,VALUE;KEY=VALUE,VALUE"),
        flags.number("seeds", None, "seeds of every trial, 0 to N - 1"),
        flags.number("trials", None, "trials drawn from a space"),
        flags.text("engine", "population", "population, local, ray or slurm"),
        flags.number(
            "workers",
            None,
            "processes at a time of the local engine; one per GPU without",
        ),
        flags.text("target", "", "what a search minimises; -NAME maximises"),
        flags.text("sampler", None, "of a search: tpe, gp, cmaes, random or grid"),
        flags.text("pruner", None, "what stops losers: none, halving or hyperband"),
        flags.text(
            "storage", None, "URL of a search's storage; a journal file without"
        ),
        flags.number(
            "evolve", None, "rounds between two steps of population-based training"
        ),
        flags.text("address", None, "of a Ray cluster; one is started here without"),
    )
    path = _required(values.config, "config")
    _prepare_jax()
    from genlab.sweep import command

    name = "-".join(filter(None, (_default_workdir(path).name, values.sweep)))
    workdir = Path(values.workdir or Path("runs") / "sweeps" / name)
    command.run(path, common, workdir, values)


def report(arguments: list[str]) -> None:
    """Writes report.html of a run or a sweep, one self-contained page."""
    values, _ = flags.parse(arguments, WORKDIR)
    from genlab.report import write_report

    print(write_report(Path(_required(values.workdir, "workdir"))))


def export(arguments: list[str]) -> None:
    """Writes the parameters as safetensors, named player/role/module/parameter."""
    values, _ = flags.parse(
        arguments,
        WORKDIR,
        BEST,
        flags.text("out", "params.safetensors", "a .safetensors file"),
    )
    out = _output(values.out, ".safetensors")
    _, trained = _load_trained(values)
    import numpy as np
    from safetensors.numpy import save_file

    from genlab.checkpoint import flatten

    save_file(
        {name: np.asarray(leaf) for name, leaf in flatten(trained.params).items()}, out
    )
    print(out)


COMMANDS: dict[str, Callable[[list[str]], int | None]] = {
    "train": train,
    "list": list_parts,
    "check": check,
    "eval": evaluate,
    "sample": sample,
    "translate": translate,
    "sweep": sweep,
    "report": report,
    "export": export,
}
