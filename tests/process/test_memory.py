"""Memory that there is not: refused before it is taken, or one line with an exit code of its own."""

import jax
import numpy as np
import pytest
import recipes

from genlab.commands.cli import main
from genlab.errors import EXIT_MEMORY, InputError
from genlab.process import memory
from genlab.registry import datasets
from genlab.run.recipe import Recipe

RING = f"--config={recipes.CONFIGS}/gan_ring.py:tiny"
ONE = "--config.devices=1"


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ("train.batch_size=10**12", "is not of type int"),
        ("train.batch_size=2000000000", "of train.batch_size=2,000,000,000 takes"),
        ("train.batch_size=1000000000000", "1 or more, below 2^31"),
        ("eval.batch_size=1000000000000", "1 or more, below 2^31"),
        ("train.steps_per_call=2000000000", "train.batch_size=1,000 takes"),
        ("data=digits --config.data.image_size=1000000", "image_size 1000000 is more"),
        ("train.steps=3000000000", "1 or more, below 2^31"),
        ("model.generator.hidden=(1000000000,1000000000)", "the state of the networks"),
        ("model.generator.hidden=(10000000,)*3", "is not a list, each a whole number"),
        ("model.generator.hidden=(1000000,1000000)", "the state of the networks takes"),
    ],
)
def test_absurd_sizes_are_refused_before_anything_is_taken(
    override, named, monkeypatch, capsys
):
    monkeypatch.setattr(memory, "host", lambda: 32 * memory.GIB)
    more = ["--config.train.steps=2000000000", "--config.log.every=2000000000"]
    more += ["--config.train.batch_size=1000"]
    more += [f"--config.{s}.every=0" for s in ("eval", "sample", "checkpoint")]
    command = ["check", RING, ONE, *f"--config.{override}".split()]
    assert main(["launch.py", *command, *(more if "per_call" in override else [])]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert named in line
    assert "takes" not in named or "smaller train.batch_size" in line


def test_more_samples_than_memory_are_refused():
    recipe = recipes.recipe("gan_ring")
    trained = recipe.trained(recipe.init_state())
    with pytest.raises(InputError, match="1,000,000,000,000 samples takes"):
        trained.sample(10**12)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        np._core._exceptions._ArrayMemoryError((10**12,), np.dtype(np.float32)),
        jax.errors.JaxRuntimeError(
            "RESOURCE_EXHAUSTED: Out of memory allocating 8 bytes."
        ),
    ],
)
@pytest.mark.parametrize("where", ["data", "objective"])
def test_out_of_memory_is_one_line_with_what_would_help(
    error, where, monkeypatch, capsys
):
    def part(*needs, **knobs):
        raise error

    if where == "data":
        monkeypatch.setitem(datasets._parts, "toy2d", part)
        monkeypatch.setattr(datasets, "check_knobs", lambda *_: None)
    else:
        monkeypatch.setattr(Recipe, "shapes", part)
    assert main(["launch.py", "check", RING, ONE]) == EXIT_MEMORY
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("genlab: error: out of memory (")
    assert "train.batch_size" in line
    assert "bfloat16" in line


def test_what_goes_wrong_in_a_data_set_blames_it(monkeypatch, capsys):
    def broken(**knobs):
        return {}["label"]

    monkeypatch.setitem(datasets._parts, "toy2d", broken)
    monkeypatch.setattr(datasets, "check_knobs", lambda *_: None)
    assert main(["launch.py", "check", RING, ONE]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "data 'toy2d' cannot be read" in line
    assert "'label'" in line
    assert "gan" not in line


@pytest.mark.parametrize("error", [RuntimeError("no GPU\nmore"), AssertionError()])
def test_backend_that_is_missing_is_named(error, monkeypatch, capsys):
    def missing():
        raise error

    monkeypatch.setattr(jax, "devices", missing)
    monkeypatch.setenv("JAX_PLATFORMS", "cuda")
    assert main(["launch.py", "check", RING]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "JAX_PLATFORMS='cuda'" in line
    assert "JAX_PLATFORMS=cpu" in line
    assert "fit together" not in line
