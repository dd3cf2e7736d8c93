"""Every config and every variant of it: builds, has honest names, and trains two real rounds."""

import functools
from types import SimpleNamespace

import jax
import numpy as np
import pytest
import recipes

from genlab.config import load as configs
from genlab.config import override
from genlab.data.prepare import Preparation
from genlab.registry import REGISTRIES, datasets, metrics, plots
from genlab.run.recipe import chosen_data
from genlab.trained.needs import FACTS


# Those that the contracts hold are trained there.
@pytest.mark.full
@pytest.mark.parametrize(
    "name",
    sorted({*recipes.all_configs()} - {*recipes.representatives()}),
)
def test_tiny_variant_trains_two_rounds(name):
    _, metrics = recipes.run_rounds(recipes.recipe(name), 2, per_call=2)
    for metric, values in metrics.items():
        assert np.isfinite(values).all(), metric


def _variants():
    return [
        (name, variant)
        for name in recipes.all_configs()
        for variant in ("", *configs.variants(recipes.CONFIGS / f"{name}.py"))
    ]


@pytest.mark.parametrize(("name", "variant"), _variants())
def test_variant_names_known_parts_and_knobs(name, variant):
    configs.check_parts(recipes.plain(name, variant))


# Facts of data sets that not every machine has.
STAND_INS = {
    "folksongs": SimpleNamespace(num_classes=0, example_shape=(32, 80), modes=None),
    "tfds:mnist": SimpleNamespace(
        num_classes=10, example_shape=(28, 28, 1), modes=None
    ),
}


@functools.cache
def _data(name, knobs):
    return STAND_INS.get(name) or datasets.build(name, **dict(knobs))()


@pytest.mark.parametrize(("name", "variant"), _variants())
def test_metrics_and_plots_of_a_variant_fit_its_data(name, variant):
    config = recipes.plain(name, variant)
    chosen = chosen_data(config)
    if "folder" in chosen["name"] or chosen["name"] not in (*STAND_INS, *datasets):
        pytest.skip("a folder of the user's own")
    knobs = ((k, v) for k, v in chosen.items() if k != "name" and v is not None)
    data = _data(chosen["name"], tuple(knobs))
    if degrade := config["data"]["degrade"]:
        data = Preparation(degrade=degrade).outcome(data)
    measured = [*config["eval"]["metrics"], *config["eval"]["final_metrics"]]
    for registry, parts in ((metrics, measured), (plots, config["sample"]["plots"])):
        for part in parts:
            found = registry.find(part if isinstance(part, str) else part["name"])
            for need in found.needs:
                facts = [fact for fact in need.split(" or ") if fact in FACTS]
                fits = any(FACTS[fact][1](data) for fact in facts)
                assert fits or not facts, f"{part} needs {need}"


@pytest.mark.parametrize("name", recipes.all_configs())
def test_config_says_how_to_run_it(name):
    text = (recipes.CONFIGS / f"{name}.py").read_text()
    header = text.split('"""')[1]
    assert f"genlab --config={name}" in header
    assert "tiny" in configs.variants(recipes.CONFIGS / f"{name}.py")


@pytest.mark.parametrize("name", recipes.all_configs())
def test_default_runs_on_embedded_data(name):
    assert ":" not in recipes.plain(name, "")["data"]["name"]


@pytest.mark.parametrize("kind", REGISTRIES)
def test_every_part_is_described(kind):
    registry = REGISTRIES[kind]
    for name in registry:
        part = registry.find(name)
        automatic = f"{part.__name__}("  # what dataclasses and Flax write themselves
        description, _ = registry.describe(name)
        assert description, f"{kind} {name!r} has no docstring"
        assert not description.startswith(automatic), (
            f"{kind} {name!r} has none of its own"
        )
        registry.knobs(name)


def test_a_dict_used_twice_is_two_to_an_override(tmp_path):
    config = configs.load(str(recipes.CONFIGS / "gan_ring.py"))
    override.override(config, "optimizer.generator.schedule.steps", "5")
    assert config.optimizer.generator.schedule.steps == 5
    assert config.optimizer.discriminator.schedule.steps == 20_000


def test_choices_are_applied_before_their_knobs():
    config = configs.load(str(recipes.CONFIGS / "gan_ring.py:tiny"))
    overrides = {"objective.real_label": "0.9", "objective": "minimax"}
    override.apply(config, overrides)
    assert config.objective.to_dict() == {"name": "minimax", "real_label": 0.9}


def test_a_part_knob_is_set_cleared_and_refined():
    config = configs.load(str(recipes.CONFIGS / "gan_ring.py:tiny"))
    override.override(config, "experiment.penalty.weight", "3")
    assert config.experiment.penalty.weight == 3.0
    override.override(config, "experiment.penalty", "None")
    assert config.experiment.penalty is None
    override.override(config, "experiment.penalty", "r1")
    assert config.experiment.penalty.to_dict() == {"name": "r1"}


def test_state_shapes_need_no_computation():
    built = recipes.recipe(recipes.all_configs()[0])
    leaves = jax.tree.leaves(built.shapes())
    assert all(isinstance(leaf, jax.ShapeDtypeStruct) for leaf in leaves)
