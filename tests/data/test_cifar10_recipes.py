"""The recipes with public protocols for CIFAR-10, two rounds each on made-up records of TFDS."""

import jax
import numpy as np
import pytest
import recipes
from data_cases import prepare_tfds

from genlab.training.train import train

RECIPES = (
    *("simclr:cifar10", "byol:cifar10", "rotnet:cifar10", "deep_infomax:cifar10"),
    *("ssgan:cifar10", "ssgan:infomax_cifar10"),
)


@pytest.mark.full
@pytest.mark.parametrize("name", RECIPES)
def test_recipe_for_cifar10_trains_on_made_up_records(name, tmp_path):
    """At its own sizes, in batches of 8."""
    splits = {"train": range(40), "test": range(8)}
    prepare_tfds(tmp_path / "data", "cifar10/3.0.2", splits)
    recipe, _, variant = name.partition(":")
    config = recipes.plain(recipe, variant)
    config["data"]["data_dir"] = str(tmp_path / "data")
    config["train"] = {"steps": 2, "batch_size": 8, "steps_per_call": 1}
    config["eval"] |= {"every": 0, "metrics": (), "final_metrics": ()}
    config["sample"] = {"every": 0, "plots": ()}
    config |= {"devices": 1, "writers": ()}
    state = train(config, tmp_path / "run", {})
    assert state.step == 2
    for player, params in state.params.items():
        assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(params)), player
