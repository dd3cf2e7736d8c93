"""A sampler as StableHLO: a program with its weights inside, which needs neither genlab nor Flax."""

import contextlib
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import jax.export
import jax.numpy as jnp
import numpy as np

from genlab.blame import blaming
from genlab.game import rng
from genlab.game.experiment import Experiment
from genlab.numbers import Count
from genlab.numbers import check as check_number
from genlab.part import name_of, settled
from genlab.storage.files import write_atomic
from genlab.trained.draws import SAMPLE_CHUNK
from genlab.trained.trained import Trained

PLATFORMS = ("cpu", "cuda", "tpu")


def write_sampler(out: Path, trained: Trained, num: int) -> None:
    """Writes the model's sampler, for every platform of PLATFORMS; `jax.export.deserialize` reads it.

    It is a function of the two words of a Threefry key, `[2]` uint32, that returns
    `[num, ...]` samples; those of `Trained.sample` are drawn by `key_of(trained)`. Noise that is
    not drawn by `genlab.rng`, example by example, may differ from theirs.

    Args:
      out: the file.
      trained: the model.
      num: samples that one call draws.

    Raises:
      InputError: the family does not sample, or does what no StableHLO says.
    """
    check_number("num", num, Count)
    trained.require("sample")
    variables = jax.device_get((trained.params, trained.extra))
    experiment = settled(trained.experiment, trained.step)
    draw = functools.partial(_draw, experiment, variables, num)
    family = name_of(trained.experiment)
    unserved = blaming(
        f"experiment {family!r} samples in a way that cannot be exported"
    )
    with unserved, _without_folders():
        exporting = jax.export.export(jax.jit(draw), platforms=PLATFORMS)
        program = exporting(jax.ShapeDtypeStruct((2,), np.uint32)).serialize()
    write_atomic(out, bytes(program))


def key_of(trained: Trained, seed: int = 0) -> np.ndarray:
    """The words, `[2]` uint32, with which the program draws what `trained.sample(num, seed)` does."""
    return np.asarray(jax.random.key_data(trained.sample_key(seed)))


@contextlib.contextmanager
def _without_folders() -> Iterator[None]:
    """Inside, a program says of its lines from which files they are, not in which folders these lie."""
    option = "jax_hlo_source_file_canonicalization_regex"
    before = getattr(jax.config, option)
    jax.config.update(option, ".*/")
    try:
        yield
    finally:
        jax.config.update(option, before)


def _draw(
    experiment: Experiment, variables: Any, num: int, words: jax.Array
) -> jax.Array:
    key = jax.random.wrap_key_data(words, impl="threefry2x32")
    size = min(num, SAMPLE_CHUNK)
    variables = jax.tree.map(jnp.asarray, variables)  # NumPy's take no traced index

    def chunk(index: jax.Array) -> jax.Array:
        return experiment.sample(*variables, rng.fold(key, index), size)

    made = jax.lax.map(chunk, jnp.arange(-(-num // size)))
    return made.reshape(-1, *made.shape[2:])[:num]
