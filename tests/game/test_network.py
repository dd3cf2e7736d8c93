"""A module in its role: methods, random streams, and what its initialisation sees."""

from dataclasses import dataclass
from typing import ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import recipes

from genlab.data.dataset import Dataset, array_splits
from genlab.data.facts import blank_batch
from genlab.game.experiment import Experiment
from genlab.game.network import Network, initialize
from genlab.game.turn import Loss, Player, Turn
from genlab.nn.dropout import Dropout
from genlab.run.recipe import Recipe


class Noisy(nn.Module):
    """Draws from streams of its own names, beside dropout."""

    def setup(self):
        self.dense = nn.Dense(3)
        self.dropout = Dropout(0.5)

    def __call__(self, x, *, train: bool = False):
        return self.drawn(self.dropout(self.dense(x), train=train), train=train)

    def drawn(self, x, *, train: bool = False):
        if not train:
            return x
        one, two = (self.make_rng(name) for name in ("spread", "shift"))
        return x + jax.random.normal(one, x.shape) * jax.random.normal(two, x.shape)


def test_role_of_two_players_is_refused():
    network, x = Network("net", Noisy()), jnp.ones((4, 2))
    params, extra = initialize(jax.random.key(0), {"one": [(network, (x,))]})
    with pytest.raises(ValueError, match="too many values"):
        network({**params, "two": params["one"]}, extra, x)


def test_streams_of_any_name_reach_a_module_and_methods_train():
    network, x = Network("net", Noisy()), jnp.ones((4, 2))
    params, extra = initialize(jax.random.key(0), {"player": [(network, (x,))]})
    call = lambda key, **how: network.train(
        params, extra, *how.pop("x", (x,)), key=key, **how
    )
    one, again = (call(jax.random.key(1))[0] for _ in range(2))
    np.testing.assert_array_equal(one, again)
    assert not np.allclose(one, call(jax.random.key(2))[0])
    zeros = jnp.zeros((1000, 3))
    drawn, _ = call(jax.random.key(1), x=(zeros,), method="drawn")
    # A product of two independent normals; the square of one would not be centred.
    assert abs(float(jnp.mean(drawn))) < 0.1 and 0.8 < float(jnp.std(drawn)) < 1.2
    np.testing.assert_array_equal(network(params, extra, zeros, method="drawn"), zeros)


def weighted() -> Dataset:
    """Points with a class and a leaf of their own, `weight: [2]`."""
    x = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32)
    arrays = {
        "x": x,
        "label": np.arange(40) % 3,
        "weight": np.ones((40, 2), np.float16),
    }
    splits = array_splits({"train": arrays}, validation_fraction=0.1, test_fraction=0.1)
    return Dataset("weighted", splits, example_shape=(2,), num_classes=3)


@dataclass(frozen=True, kw_only=True)
class Weighted(Experiment):
    """Counts classes from the data's facts, and has a parameter for each entry of a leaf."""

    ROLES: ClassVar = ()
    PLAYERS: ClassVar = ("one",)
    OFFERS: ClassVar = {"objective": ("outputs", "targets")}

    num_classes: int
    example_shape: tuple[int, ...]

    def init(self, key, batch):
        shape = (self.num_classes, *self.example_shape, *batch["weight"].shape[1:])
        return {"one": {"net": jnp.zeros(shape)}}, {}

    def players(self):
        return {"one": Player(self._loss, self.optimizers["one"])}

    def turns(self):
        return (Turn("one"),)

    def _loss(self, params, extra, draw):
        outputs = params["one"]["net"][draw.batch["label"], :, 0]
        x = draw.batch["x"]
        loss = self.ask("objective", draw, outputs=outputs, targets=x)
        return Loss({"loss_of_x": loss}, extra)


def test_families_get_facts_and_initialisation_sees_every_leaf():
    shapes = {name: leaf.shape for name, leaf in blank_batch(weighted()).items()}
    assert shapes == {"x": (2, 2), "label": (2,), "index": (2,), "weight": (2, 2)}
    config = recipes.plain("gan_ring")
    adam = config["optimizer"]["generator"]
    config |= {"experiment": {"name": "test_network:Weighted"}, "model": {}}
    config |= {"objective": {"name": "squared_error"}, "optimizer": {"one": adam}}
    config["data"] = {**config["data"], "name": "test_network:weighted"}
    del config["data"]["kind"]
    state, _ = recipes.run_rounds(Recipe.build(config), 1, 1)
    assert state.params["one"]["net"].shape == (3, 2, 2)
