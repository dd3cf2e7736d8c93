"""Parameters and further variables of a model in one safetensors file, and back."""

import json
import os
from pathlib import Path
from typing import Any

import jax
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from genlab import __version__
from genlab.config.files import expanded
from genlab.config.paths import without_homes
from genlab.data.limits import check_size, open_data
from genlab.errors import InputError
from genlab.storage.files import write_atomic
from genlab.storage.tensors import tensors_in
from genlab.storage.tree import flatten
from genlab.trained.trained import Trained

PyTree = Any


def averaged_players(trained: Trained) -> list[str]:
    """The players whose parameters, as the model is used, are averages over its training."""
    players = trained.experiment.optimizers.items()
    return [name for name, optimizer in players if optimizer.ema is not None]


def write_params(out: Path, trained: Trained, config: dict[str, Any]) -> None:
    """Writes all that the networks of a model are made of.

    Names are `params/player/role/module/parameter` and `extra/collection/role/...`; the metadata
    say the version of genlab, the step, the players whose EMA copies these are, and the config, without
    the folders in which its files lay.

    Args:
      out: the file.
      trained: the model.
      config: the plain config of its run.

    Raises:
      InputError: the disk is full.
    """
    tree = jax.device_get({"params": trained.params, "extra": trained.extra})
    empty = jax.tree.map(lambda _: None, tree)
    metadata = {
        "format": "genlab",
        "genlab": __version__,
        "step": str(trained.step),
        "ema": json.dumps(averaged_players(trained)),
        "config": json.dumps(without_homes(config)),
        "structure": json.dumps(empty),
    }
    arrays = {name: np.array(leaf, order="C") for name, leaf in flatten(tree).items()}
    write_atomic(out, save(arrays, metadata))


def load_params(path: str | os.PathLike) -> tuple[PyTree, PyTree]:
    """The variables in a file that `genlab export` wrote; nothing else of the run is needed.

    Args:
      path: a .safetensors file.

    Returns:
      `params[player][role]` and `extra[collection][role]`, nested dicts of NumPy arrays: a role's
      module takes them as `{"params": params[player][role], collection: extra[collection][role]}`.

    Raises:
      InputError: no such file, or one that holds something else.
    """
    path = Path(expanded(os.fspath(path)))
    if not path.is_file():
        raise InputError(f"there is no file {str(path)!r}")
    with open_data(path) as stream:
        check_size(str(path), os.fstat(stream.fileno()).st_size)
        content = stream.read()
    try:
        arrays = tensors_in(content)
        with safe_open(path, "numpy") as file:
            structure = json.loads((file.metadata() or {})["structure"])
        tree = {part: structure[part] for part in ("params", "extra")}
        filled = _filled(tree, arrays)
        return filled["params"], filled["extra"]
    except (SafetensorError, KeyError, ValueError, TypeError, RecursionError) as error:
        raise InputError(
            f"{str(path)!r} is no file that `genlab export` wrote"
            f" ({type(error).__name__}: {error})"
        ) from None


def _filled(structure: PyTree, arrays: dict[str, np.ndarray], path: str = "") -> PyTree:
    """Nested dicts, those that hold nothing among them, with an array at every None."""
    if structure is None:
        return arrays[path]
    if not isinstance(structure, dict):
        raise TypeError(f"{path or 'structure'} is no dict")
    return {
        key: _filled(part, arrays, f"{path}/{key}" if path else key)
        for key, part in structure.items()
    }
