"""The family of two views: what the objective is offered, the target network, and what is refused."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import recipes

from genlab.errors import InputError
from genlab.game.turn import Draw
from genlab.run.recipe import Recipe

PLAYER = "learner"


def _byol(objective="byol", target_rate=0.25):
    config = recipes.plain("byol")
    config["experiment"]["target_rate"] = target_rate
    return Recipe.build({**config, "objective": {"name": objective}})


def _draw(count=4):
    batch = {"x": jax.random.uniform(jax.random.key(1), (count, 8, 8, 1))}
    return Draw(batch, jax.random.key(2), jnp.zeros((), jnp.int32))


def test_target_network_starts_as_the_learner_and_follows_by_its_rate():
    """As the learner stands after a start from elsewhere, which moves all parameters here."""
    built = _byol()
    batch = {"x": jnp.zeros((2, 8, 8, 1))}
    elsewhere = lambda params, extra: (jax.tree.map(lambda w: w + 3.0, params), extra)
    state = built.experiment.init_state(jax.random.key(0), batch, elsewhere)
    start, own = state.extra["target"][PLAYER], state.params[PLAYER]
    assert start.keys() == {"encoder", "projector"}
    jax.tree.map(np.testing.assert_array_equal, start, {r: own[r] for r in start})
    moved = jax.tree.map(lambda leaf: leaf + 1.0, state.params)
    loss = built.experiment.players()[PLAYER].loss
    renewed = jax.jit(lambda params: loss(params, state.extra, _draw()).extra)(moved)
    found = renewed["target"][PLAYER]
    close = lambda one, old: np.testing.assert_allclose(one, old + 0.25, rtol=1e-5)
    jax.tree.map(close, found, start)


@pytest.mark.parametrize("objective", ["byol", "simsiam"])
def test_no_gradient_reaches_what_makes_the_targets(objective):
    """The gradient is that of a loss in which the targets are numbers."""
    seen = {}

    def kept(first_prediction, second_prediction, first_target, second_target):
        seen["targets"] = first_target, second_target
        gap = first_prediction - second_target, second_prediction - first_target
        return sum(jnp.sum(jnp.square(one), axis=1) for one in gap)

    built = _byol(objective, 0.1 if objective == "byol" else None)
    state = built.init_state()
    game = dataclasses.replace(built.experiment, objective=kept)

    def targets(params):
        game.players()[PLAYER].loss(params, state.extra, _draw(2))
        return seen["targets"]

    slopes = jax.jit(jax.jacrev(targets))(state.params)
    for leaf in jax.tree.leaves(slopes):
        np.testing.assert_array_equal(leaf, 0)


def test_views_differ_and_code_is_of_the_example_as_it_is():
    built = _byol()
    state = built.init_state()
    game = built.experiment
    draw = _draw()
    x = draw.batch["x"]
    code = game.encode(state.params, state.extra, x)
    assert code.shape == (4, 3)
    network = game.networks["encoder"]
    np.testing.assert_array_equal(code, network(state.params, state.extra, x))
    told = game.measure(state.params, state.extra, draw)
    assert (told["alignment"] > 0).any()


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        ("byol", {"objective": {"name": "nt_xent"}}, "looks at no predictions"),
        (
            "simclr",
            {"experiment": {"name": "two_view", "target_rate": 0.1}},
            "looks at no targets",
        ),
        (
            "simclr",
            {
                "model": {
                    "encoder": {"name": "mlp_encoder", "latent_dim": 2},
                    "projector": {"name": "mlp", "hidden": (), "outputs": 2},
                }
            },
            "has 2 outputs",
        ),
        (
            "simclr",
            {
                "experiment": {"name": "two_view", "augment": "color_jitter"},
                "data": {"value_range": (-1.0, 1.0)},
            },
            r"images in \[0, 1\]",
        ),
    ],
)
def test_choices_that_do_not_fit_are_refused(name, change, told):
    config = recipes.plain(name)
    for section, values in change.items():
        kept = config[section] if section == "data" else {}
        config[section] = kept | values
    with pytest.raises(InputError, match=told):
        Recipe.build(config).init_state()


def test_collapse_is_told():
    game = _byol().experiment
    assert not game.alarms({"learner/spread": 0.5})
    (told,) = game.alarms({"learner/spread": 0.01})
    assert "collapsed" in told
