"""The one training step against rounds worked out by hand."""

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from genlab.game import optim
from genlab.game.experiment import Experiment
from genlab.game.turn import Loss, Player, Turn
from genlab.registry import REQUIRED, optimizers, schedules


@dataclasses.dataclass(frozen=True)
class Bilinear(Experiment):
    """min over a, max over b of a * b * mean(x): every move can be done on paper."""

    ROLES: ClassVar = ()
    PLAYERS: ClassVar = ("a", "b")

    schedule: tuple[Turn, ...] = (Turn("a"), Turn("b", fresh=False))

    def init(self, key, batch):
        params = {
            "a": {"net": {"w": jnp.array(2.0)}},
            "b": {"net": {"w": jnp.array(3.0)}},
        }
        return params, {"seen": {"net": jnp.zeros(())}}

    def players(self):
        return {
            "a": Player(lambda *args: self._loss(1.0, *args), self.optimizers["a"]),
            "b": Player(lambda *args: self._loss(-1.0, *args), self.optimizers["b"]),
        }

    def turns(self):
        return self.schedule

    def _loss(self, sign, params, extra, draw):
        value = params["a"]["net"]["w"] * params["b"]["net"]["w"] * draw.batch["x"]
        seen = {"seen": {"net": extra["seen"]["net"] + jnp.sum(draw.batch["x"])}}
        return Loss({"value": sign * value}, {**extra, **seen})


STILL = optim.Optimizer(optax.set_to_zero())


def sgd(rate, **knobs):
    return optimizers.build("sgd", learning_rate=rate, **knobs)()


def play(experiment, batch, rounds=1):
    state = experiment.init_state(jax.random.key(0), {"x": batch[0]})
    for _ in range(rounds):
        state, metrics = experiment.train_step(state, {"x": batch}, jax.random.key(1))
    return state, metrics


def weights(state):
    return [float(state.params[name]["net"]["w"]) for name in "ab"]


def test_turns_alternate_on_one_draw():
    game = Bilinear({}, None, {"a": sgd(0.1), "b": sgd(0.5)})
    state, metrics = play(game, jnp.array([[1.0, 3.0]]))
    # a <- 2 - 0.1 * 3 * 2 = 1.4; b then sees the new a: 3 + 0.5 * 1.4 * 2 = 4.4
    np.testing.assert_allclose(weights(state), [1.4, 4.4], rtol=1e-6)
    assert state.step == 1
    assert game.draws() == 1
    np.testing.assert_allclose(metrics["a/loss"], 12.0)
    np.testing.assert_allclose(metrics["b/value"], -1.4 * 3 * 2, rtol=1e-6)
    np.testing.assert_allclose(metrics["a/gradient_norm"], 6.0)
    np.testing.assert_allclose(metrics["a/update_norm"], 0.6, rtol=1e-6)
    np.testing.assert_allclose(metrics["b/parameter_norm"], 4.4, rtol=1e-6)


def test_repeated_turn_takes_a_fresh_draw_each_time():
    turns = (Turn("a", repeats=2), Turn("b", fresh=False))
    game = Bilinear({}, None, {"a": sgd(0.1), "b": sgd(0.5)}, turns)
    state, metrics = play(game, jnp.array([[1.0], [2.0]]))
    # a: 2 - 0.1*3*1 = 1.7, then 1.7 - 0.1*3*2 = 1.1; b on the last draw: 3 + 0.5*1.1*2 = 4.1
    np.testing.assert_allclose(weights(state), [1.1, 4.1], rtol=1e-6)
    assert game.draws() == 2
    np.testing.assert_allclose(state.extra["seen"]["net"], 1 + 2 + 2)
    np.testing.assert_allclose(
        metrics["a/loss"], (2 * 3 * 1 + 1.7 * 3 * 2) / 2, rtol=1e-6
    )


def test_metrics_average_over_all_moves_of_a_player():
    turns = (Turn("a"), Turn("b", fresh=False), Turn("a", fresh=False))
    game = Bilinear({}, None, {"a": sgd(0.1), "b": sgd(0.5)}, turns)
    _, metrics = play(game, jnp.array([[1.0]]))
    # a moves at (2, 3), then b at (1.7, 3), then a at (1.7, 3.85)
    np.testing.assert_allclose(metrics["a/loss"], (2 * 3 + 1.7 * 3.85) / 2, rtol=1e-6)


def test_ema_follows_the_player_with_a_young_average_forgetting_sooner():
    game = Bilinear({}, None, {"a": sgd(0.1, ema=0.9), "b": STILL})
    state, _ = play(game, jnp.array([[1.0]]), rounds=2)
    # a: 2 -> 1.7 -> 1.4; decay (1+t)/(10+t) = 2/11, then 3/12
    one = 2 / 11 * 2 + 9 / 11 * 1.7
    two = 3 / 12 * one + 9 / 12 * 1.4
    params, _ = game.view(state)
    np.testing.assert_allclose(params["a"]["net"]["w"], two, rtol=1e-6)
    np.testing.assert_allclose(params["b"]["net"]["w"], 3.0)


def _averaged(game, x):
    """The EMA of player a after a round on each row of x."""
    state = game.init_state(jax.random.key(0), {"x": x[0]})
    for row in x:
        state, _ = game.train_step(state, {"x": row}, jax.random.key(1))
    return float(game.view(state)[0]["a"]["net"]["w"])


def test_ema_counts_updates_under_accumulation():
    x = jnp.array([[1.0, 5.0], [2.0, 8.0], [4.0, 3.0], [1.0, 2.0]])
    parts = Bilinear({}, None, {"a": sgd(0.1, ema=0.9, accumulate=2), "b": STILL})
    whole = Bilinear({}, None, {"a": sgd(0.1, ema=0.9), "b": STILL})
    large = _averaged(whole, x.reshape(2, 1, 4))
    np.testing.assert_allclose(_averaged(parts, x[:, None]), large, rtol=1e-6)


def test_ema_counts_every_update_of_a_round():
    x = jnp.array([[1.0], [2.0], [4.0], [3.0]])
    players = {"a": sgd(0.1, ema=0.9), "b": STILL}
    twice = (Turn("a", repeats=2), Turn("b", fresh=False))
    single = _averaged(Bilinear({}, None, players), x[:, None])
    double = _averaged(Bilinear({}, None, players, schedule=twice), x.reshape(2, 2, 1))
    np.testing.assert_allclose(double, single, rtol=1e-6)


def test_a_turn_that_repeats_needs_fresh_draws():
    with pytest.raises(ValueError, match="fresh"):
        Turn("a", repeats=2, fresh=False)


def test_accumulated_gradients_equal_one_large_batch():
    x = jnp.array([[1.0, 5.0], [2.0, 8.0]])
    parts = Bilinear({}, None, {"a": sgd(0.1, accumulate=2), "b": STILL})
    state = parts.init_state(jax.random.key(0), {"x": x[0]})
    for row in x:
        state, _ = parts.train_step(state, {"x": row[None]}, jax.random.key(1))
    whole, _ = play(Bilinear({}, None, {"a": sgd(0.1), "b": STILL}), x.reshape(1, 4))
    np.testing.assert_allclose(weights(state), weights(whole), rtol=1e-6)


def test_clip_bounds_the_global_norm():
    game = Bilinear({}, None, {"a": sgd(1.0, clip=0.5), "b": STILL})
    state, metrics = play(game, jnp.array([[1.0]]))
    np.testing.assert_allclose(weights(state)[0], 1.5, rtol=1e-6)
    np.testing.assert_allclose(metrics["a/gradient_norm"], 3.0)


@pytest.mark.parametrize(
    ("schedule", "factors"),
    [
        (dict(name="constant"), [1, 1, 1]),
        (dict(name="linear", steps=2, begin=1), [1, 1, 0.5]),
        (dict(name="warmup", steps=2), [0, 0.5, 1]),
        (dict(name="cosine", steps=4, warmup=2), [0, 0.5, 1]),
        (dict(name="exponential", steps=1, rate=0.5), [1, 0.5, 0.25]),
        (dict(name="exponential", steps=1, rate=0.5, end=0.2), [1, 0.6, 0.4]),
        (dict(name="saturating", rate=0.25), [0, 0.25, 1 - 0.75**2]),
        (
            dict(name="inverse_sigmoid", rate=1.0),
            [0.5, 1 / (1 + np.e), 1 / (1 + np.e**2)],
        ),
        (dict(name="piecewise", boundaries=(1, 2), factors=(0.5, 0.1)), [1, 0.5, 0.05]),
    ],
)
def test_schedule_multiplies_the_learning_rate(schedule, factors):
    optimizer = sgd(2.0, schedule=schedule).transform
    state = optimizer.init(jnp.array(0.0))
    moves = []
    for _ in factors:
        move, state = optimizer.update(jnp.array(1.0), state)
        moves.append(-float(move))
    np.testing.assert_allclose(moves, [2.0 * factor for factor in factors], atol=1e-6)


def test_schedules_of_music_vae_by_the_numbers_of_its_code():
    """b(t) = 1 - .99999^t, and k / (k + exp(t / k)) of true tokens, k = 1000, in float64."""
    weight = schedules.build("saturating")()
    teacher = schedules.build("inverse_sigmoid")()
    for step in (0, 10, 1000, 7000, 100_000):
        np.testing.assert_allclose(weight(step), 1 - 0.99999**step, rtol=1e-5)
        share = 1000 / (1000 + np.exp(step / 1000))
        np.testing.assert_allclose(teacher(step), share, rtol=1e-5, atol=1e-30)


@pytest.mark.parametrize("name", list(schedules))
def test_floats_of_a_schedule_may_be_traced(name):
    lengths = {"steps": 5, "boundaries": (2, 3)}
    floats = {
        knob: 0.5 if default is REQUIRED else default
        for knob, default in schedules.knobs(name).items()
        if knob not in lengths and not isinstance(default, int)
    }
    if "factors" in floats:
        floats["factors"] = (0.5, 0.25)
    fixed = {k: v for k, v in lengths.items() if k in schedules.knobs(name)}
    value = lambda floats: schedules.build(name, **fixed, **floats)()(4)
    np.testing.assert_allclose(jax.jit(value)(floats), value(floats), rtol=1e-6)


@pytest.mark.parametrize("name", list(optimizers))
def test_every_optimizer_of_optax_moves_a_parameter(name):
    optimizer = optimizers.build(name, learning_rate=0.1)().transform
    start = moved = {"w": jnp.ones((4, 4))}
    state = optimizer.init(start)
    for _ in range(2):  # rprop only looks at its first gradient
        update, state = optimizer.update(start, state, moved)
        moved = optax.apply_updates(moved, update)
    assert np.isfinite(moved["w"]).all()
    assert not np.array_equal(moved["w"], start["w"])
