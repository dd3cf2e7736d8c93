"""The run folder: who may write it, and which config made it."""

import importlib.metadata
import json
import math
import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import jax
from ml_collections import ConfigDict

from genlab import __version__, trust
from genlab.config import load as configs
from genlab.config import override
from genlab.config.files import split_variant
from genlab.config.stage import stages_of
from genlab.errors import InputError
from genlab.game.turn import State
from genlab.process import command
from genlab.process.duration import now
from genlab.run import commit, record, resume, sources
from genlab.run.defaults import defaults_of
from genlab.run.recipe import Recipe
from genlab.storage import files, sidefile
from genlab.storage.checkpoint import owner
from genlab.storage.files import write_atomic
from genlab.storage.lock import held, is_held, is_open_in
from genlab.storage.sidefile import is_number_or_none
from genlab.storage.tree import flatten
from genlab.storage.writer import last_step

# The folders in which a run writes.
FOLDERS = ("checkpoints", "samples", "tensorboard")
SHARE_LOCKS = ".share-*"  # of commands that train a sweep between them

PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy")


def parameter_table(state: State) -> dict[str, dict[str, Any]]:
    """Every parameter by its flat name, `player/role/module/parameter`, with shape and count."""
    return {
        name: {
            "shape": list(leaf.shape),
            "dtype": str(leaf.dtype),
            "count": math.prod(leaf.shape),
        }
        for name, leaf in flatten(state.params).items()
    }


def default_workdir(path: str) -> Path:
    """The run folder of a config that is given none, `runs/FILE-variant`."""
    file, variant = split_variant(path)
    return Path("runs") / "-".join(filter(None, (Path(file).stem, variant)))


@contextmanager
def locked(workdir: Path) -> Iterator[None]:
    """Keeps every other writer out of the folder; what interrupted writes left there goes.

    Raises:
      InputError: another process holds it, the folder cannot be made, or one that a run writes into
        is a link to another place.
    """
    refuse_file(workdir)
    with ExitStack() as stack:
        try:
            stack.enter_context(held(workdir / ".lock", wait=False))
        except BlockingIOError:
            raise InputError(
                f"run folder {str(workdir)!r} is in use by another process;"
                " wait for it or name another with --workdir=DIR"
            ) from None
        except OSError as error:
            raise InputError(
                f"run folder {str(workdir)!r} cannot be written ({error.strerror});"
                " --workdir=DIR names another"
            ) from None
        files.remove_drafts(workdir)
        for name in FOLDERS:
            files.refuse_link(workdir / name)
            files.remove_drafts(workdir / name)
        yield


def refuse_file(workdir: Path) -> None:
    """Raises InputError where a file has the name of the folder."""
    if os.path.isfile(workdir):
        raise InputError(
            f"--workdir={workdir} is a file; a run is kept in a folder, name another"
        )


def in_use(workdir: Path) -> bool:
    """Whether another process holds the folder, or a share of a sweep in it, as far as locks may be read."""
    try:
        return any(map(is_held, (workdir / ".lock", *workdir.glob(SHARE_LOCKS))))
    except (OSError, InputError):
        return False


def in_use_by(workdir: Path, process: int) -> bool:
    """Whether a process of this machine uses the folder, as far as the machine tells."""
    return is_open_in(process, workdir / ".lock")


def identity(workdir: Path) -> str:
    """What tells the run from every other: what its config.json says, or else its checkpoints.

    A folder that is new, or from before runs had one, gets one.
    """
    known = record.text(workdir, "run")
    return known or owner(workdir / "checkpoints") or uuid.uuid4().hex


def claim(
    workdir: Path,
    recipe: Recipe,
    overrides: dict[str, Any],
    *,
    run: str = "",
    source: Path | None = None,
    alone: bool = True,
    finished: bool = False,
) -> None:
    """Writes `config.json`, or checks that the folder was made by a config that can go on.

    Args:
      workdir: the run folder.
      recipe: what it trains in the end.
      overrides: what the command line set.
      run: the run's `identity`, asked for where it is not given.
      source: the config file; without one, what is known of that which made the folder is kept.
      alone: whether the run saves its own checkpoints; a member's are its population's.
      finished: whether no rounds are left.

    Raises:
      InputError: a key that differs changes the trajectory, or rounds that are past, or the data differ in
        what they hold.
    """
    path = workdir / "config.json"
    code = sources.sources_of(recipe.config, source)
    if path.exists():
        known, run_data = load_config(workdir), record.data(workdir)
        was = record.defaults(workdir)
        resume.check(workdir, known, recipe, run_data, was=was, finished=finished)
        code = sources.renewed(record.sources(workdir), code)
    home = source.parent if source else Path()
    content = {
        "run": run or identity(workdir),
        "began": record.text(workdir, "began") or now(),
        "alone": alone,
        "config": recipe.config,
        "overrides": overrides,
        "defaults": defaults_of(recipe.config),
        "data": recipe.data_record(),
        "versions": {"genlab": __version__}
        | {package: importlib.metadata.version(package) for package in PACKAGES},
        "git": commit.of_genlab(),
        "repository": commit.around(home) or commit.around(Path()),
        "devices": [device.device_kind for device in jax.devices()],
        "command": command.line(),
        "parameters": parameter_table(recipe.shapes()),
        "sources": code,
    }
    write_atomic(path, json.dumps(content, indent=1))


def load_config(workdir: Path) -> dict[str, Any]:
    """The resolved config of a run folder; the parts of the user's own in it are not vouched for.

    Raises:
      InputError: no run folder there.
    """
    path = workdir / "config.json"
    try:
        config = configs.completed(record.read(workdir)["config"])
        configs.check_keys(config)
        trust.distrust(config, path)
        if trust.is_everything():
            sources.search(record.sources(workdir))
    except FileNotFoundError:
        raise InputError(
            f"{str(workdir)!r} is not a run folder: it has no config.json{_inside(workdir)}"
        ) from None
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be read: {error.strerror}") from error
    except (InputError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{str(path)!r} cannot be read: it is not a run's config ({error})"
        ) from error
    return config


def _inside(workdir: Path) -> str:
    """Which folder may have been meant, where it is a sweep's or one of runs."""
    trials = sorted(path.parent.name for path in workdir.glob("*/config.json"))
    return f"; the folders in it have, such as {trials[0]!r}" if trials else ""


def load_overrides(workdir: Path) -> dict[str, Any]:
    """What was set by hand when the run was last trained, by dotted key."""
    overrides = record.read(workdir).get("overrides")
    return overrides if isinstance(overrides, dict) else {}


def recorded(
    workdir: Path, overrides: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The config of a run folder, with which the run in it goes on, and what was set by hand.

    Args:
      workdir: the run folder.
      overrides: what is to differ from now on, key -> text.

    Raises:
      InputError: no run folder there, or an override that the config does not take.
    """
    config = ConfigDict(load_config(workdir))
    changed = override.apply(config, overrides)
    return configs.plain(config), {**load_overrides(workdir), **changed}


def refuse_lost(workdir: Path) -> None:
    """Raises InputError for a run that has saved a checkpoint, of which there is none any more.

    Lines of the log behind the first that was due say so, and results, which come after the last.
    """
    try:
        known = record.read(workdir)
        config = known["config"]
        first = stages_of(config)[0].end
        first = min(first, config["checkpoint"]["every"] or first)
    except (OSError, ValueError, KeyError, TypeError):
        return  # no run folder yet, or one that `claim` refuses
    last = last_step(workdir)
    # Of records without `run` it is unknown whether they are of a member.
    alone = "run" in known and known.get("alone", True)
    if alone and (last > first or (workdir / "results.json").exists()):
        raise InputError(
            f"run folder {str(workdir)!r} has trained {last} rounds, but its checkpoints are gone;"
            " put checkpoints/ back, name another folder with --workdir=DIR, or remove this one"
            " to start over"
        )


def results_file(best: bool) -> str:
    """What the results of the newest state, or of the best, are called in a run folder."""
    return "results-best.json" if best else "results.json"


def read_results(
    workdir: Path, step: int, file: str = "results.json"
) -> dict[str, Any] | None:
    """What the results hold; None unless they are whole and of the state after `step` rounds."""
    results = sidefile.read(workdir / file, are_results)
    return results if results and results["step"] == step else None


def are_results(content: Any) -> bool:
    """Whether it is what `results.json` holds: a step, and of each metric values and protocol,
    and intervals where it was written since there are any; and what failed, if anything did."""
    values = [
        value
        for metric in content["metrics"].values()
        for value in (*metric["values"].values(), len(metric["protocol"]))
    ]
    values += [
        end
        for metric in content["metrics"].values()
        for low, high in metric.get("intervals", {}).values()
        for end in (low, high)
    ]
    failed = content.get("failed", {})
    whole = type(content["step"]) is int and isinstance(failed, dict)
    return whole and all(map(is_number_or_none, values))
