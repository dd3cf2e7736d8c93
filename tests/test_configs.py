"""Every config and every variant of it: builds, has honest names, and trains two real rounds."""

import jax
import numpy as np
import pytest
import recipes

from genlab import config as configs
from genlab.registry import REGISTRIES


@pytest.mark.parametrize("name", recipes.all_configs())
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


@pytest.mark.parametrize("name", recipes.all_configs())
def test_config_says_how_to_run_it(name):
    text = (recipes.CONFIGS / f"{name}.py").read_text()
    header = text.split('"""')[1]
    assert f"python launch.py --config=configs/{name}.py" in header
    assert "tiny" in configs.variants(recipes.CONFIGS / f"{name}.py")


@pytest.mark.parametrize("name", recipes.all_configs())
def test_default_runs_on_embedded_data(name):
    assert ":" not in recipes.plain(name, "")["data"]["name"]


@pytest.mark.parametrize("kind", REGISTRIES)
def test_every_part_is_described(kind):
    registry = REGISTRIES[kind]
    for name in registry:
        description, _ = registry.describe(name)
        assert description, f"{kind} {name!r} has no docstring"
        registry.knobs(name)


def test_state_shapes_need_no_computation():
    built = recipes.recipe(recipes.all_configs()[0])
    leaves = jax.tree.leaves(built.shapes())
    assert all(isinstance(leaf, jax.ShapeDtypeStruct) for leaf in leaves)
