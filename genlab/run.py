"""The run folder: who may write it, which config made it, and the parts built from that config."""

import fcntl
import importlib.metadata
import json
import math
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from genlab import __version__, rng
from genlab import config as configs
from genlab.build import SECTIONS, build_experiment
from genlab.checkpoint import Checkpoints, flatten
from genlab.data.dataset import Dataset
from genlab.data.prepare import Preparation
from genlab.errors import InputError
from genlab.experiment import Experiment, State
from genlab.registry import datasets
from genlab.trained import Trained
from genlab.writer import write_atomic

# What may differ when a run goes on in its folder: how long, how it is watched, where it runs.
RESUMABLE = ("log", "eval", "sample", "checkpoint", "parallel", "devices")
RESUMABLE_TRAIN = ("steps", "steps_per_call")

PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy")


@dataclass(frozen=True)
class Recipe:
    """The parts that a plain config describes, built."""

    config: dict[str, Any]
    data: Dataset
    preparation: Preparation
    experiment: Experiment

    @classmethod
    def build(cls, config: dict[str, Any]) -> "Recipe":
        """Checks every name and knob of a plain config, then builds its parts.

        Raises:
          InputError: what `config.check_parts`, the data set or the experiment refuse.
        """
        configs.check_parts(config)
        knobs = {
            knob: value
            for knob, value in config["data"].items()
            if knob not in ("name", *configs.PREPARATION, *configs.FEEDING)
        }
        data = datasets.build(config["data"]["name"], **knobs)()
        preparation = Preparation(
            **{knob: _as_tuple(config["data"][knob]) for knob in configs.PREPARATION}
        )
        spec = {section: config[section] for section in SECTIONS}
        return cls(
            config, data, preparation, build_experiment(spec, data, config["dtype"])
        )

    def init_state(self) -> State:
        """The state before the first round: a pure function of the seed."""
        batch = self.example_batch()
        key = rng.stream(self.config["seed"], "init")
        return jax.jit(self.experiment.init_state)(key, batch)

    def shapes(self) -> State:
        """Shapes and types of the state; nothing is computed."""
        batch = self.example_batch()
        return jax.eval_shape(self.experiment.init_state, jax.random.key(0), batch)

    def example_batch(self) -> dict[str, jax.Array]:
        """A batch of two blank examples, for shapes."""
        return {"x": jnp.zeros((2, *self.data.example_shape))}

    def trained(self, state: State) -> Trained:
        """The view on a state that metrics, plots and commands work on."""
        return Trained(
            self.experiment, state, self.data, self.preparation, self.config["seed"]
        )


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


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


@contextmanager
def locked(workdir: Path) -> Iterator[None]:
    """Keeps every other writer out of the folder.

    Raises:
      InputError: another process holds it, or the folder cannot be made.
    """
    try:
        workdir.mkdir(parents=True, exist_ok=True)
        file = (workdir / ".lock").open("a")
    except OSError as error:
        raise InputError(
            f"run folder {str(workdir)!r} cannot be written ({error.strerror});"
            " --workdir=DIR names another"
        ) from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"run folder {str(workdir)!r} is in use by another process;"
                " wait for it or name another with --workdir=DIR"
            ) from None
        yield


def claim(workdir: Path, recipe: Recipe, overrides: dict[str, Any]) -> None:
    """Writes `config.json`, or checks that the folder was made by a config that can go on.

    Raises:
      InputError: the folder's config differs in a key that changes the trajectory.
    """
    path = workdir / "config.json"
    if path.exists():
        _check_same(path, load_config(workdir), recipe.config)
    record = {
        "config": recipe.config,
        "overrides": overrides,
        "versions": {"genlab": __version__}
        | {package: importlib.metadata.version(package) for package in PACKAGES},
        "git": _git_commit(),
        "devices": [device.device_kind for device in jax.devices()],
        "command": " ".join(["python", *sys.argv]),
        "parameters": parameter_table(recipe.shapes()),
    }
    write_atomic(path, json.dumps(record, indent=1))


def load_config(workdir: Path) -> dict[str, Any]:
    """The resolved config of a run folder.

    Raises:
      InputError: no run folder there.
    """
    path = workdir / "config.json"
    try:
        return json.loads(path.read_text())["config"]
    except FileNotFoundError:
        raise InputError(
            f"{str(workdir)!r} is not a run folder: it has no config.json"
        ) from None
    except (ValueError, KeyError):
        raise InputError(
            f"{str(path)!r} cannot be read: it is not a run's config"
        ) from None


def load_run(workdir: Path, best: bool = False) -> tuple[Recipe, State]:
    """The parts and the newest (or best) intact state of a finished or cut run.

    Raises:
      InputError: no run folder, or no checkpoint in it.
    """
    recipe = Recipe.build(load_config(workdir))
    checkpoints = Checkpoints(workdir / "checkpoints")
    state = checkpoints.restore(recipe.shapes(), best)
    if state is None:
        kind = "best checkpoint" if best else "checkpoint"
        raise InputError(f"run folder {str(workdir)!r} has no {kind} yet")
    return recipe, jax.device_put(state)


def _check_same(path: Path, old: dict[str, Any], new: dict[str, Any]) -> None:
    before, after = _trajectory(old), _trajectory(new)
    for key in sorted(before.keys() | after.keys()):
        if before.get(key) != after.get(key):
            raise InputError(
                f"run folder {str(path.parent)!r} was made with {key}={before.get(key)!r}, not"
                f" {after.get(key)!r}; name another with --workdir=DIR"
            )


def _trajectory(config: dict[str, Any]) -> dict[str, Any]:
    """The keys that decide how training goes, by dotted name."""

    def walk(tree: dict[str, Any], path: str) -> Iterator[tuple[str, Any]]:
        for key, value in tree.items():
            name = f"{path}{key}"
            if isinstance(value, dict):
                yield from walk(value, name + ".")
            else:
                yield name, value

    ignored = {f"train.{key}" for key in RESUMABLE_TRAIN}
    return {
        name: value
        for name, value in walk(config, "")
        if name.split(".")[0] not in RESUMABLE and name not in ignored
    }


def _git_commit() -> str | None:
    """The commit of the code that runs, None outside a checkout."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
