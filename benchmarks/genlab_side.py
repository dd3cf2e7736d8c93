"""genlab's side of a game: the program that launch.py runs, without the loop around it."""

from collections.abc import Callable
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np

from genlab.config import files, override
from genlab.config import load as configs
from genlab.data.feed import Feed
from genlab.game import rng
from genlab.game.program import Program
from genlab.game.turn import State
from genlab.run.recipe import Recipe
from genlab.training.rounds import rounds_of

Run = Callable[[int], State]


def trainer(
    path: str,
    overrides: dict[str, str],
    *,
    per_call: int,
    rounds_of: Callable = rounds_of,
) -> Run:
    """`run(rounds)` of a config: compiled calls of `per_call` rounds on one device; it returns the
    state after them."""
    config = configs.load(str(files.CONFIGS / path))
    for key, text in overrides.items():
        override.override(config, key, text)
    recipe = Recipe.build(configs.plain(config))
    feed = recipe.feed()
    program = Program(
        rounds_of(recipe.experiment, feed), jax.devices()[:1], "jit", feed.batch_size
    )
    resident, seed = program.place(feed.resident), np.uint32(0)
    state, step = program.place(recipe.init_state()), 0

    def run(rounds: int) -> State:
        nonlocal state, step
        for _ in range(rounds // per_call):
            state, _ = program(state, resident, feed.chunk(step, per_call), seed)
            step += per_call
        return jax.block_until_ready(state)

    return run


def constant_rounds_of(experiment, feed: Feed) -> Callable:
    """As `rounds_of`, every round on the first batch of the call, prepared once."""

    def rounds(state, resident, chunk, seed):
        first = jax.tree.map(lambda leaf: leaf[0], chunk)
        keys = jax.random.split(rng.stream(seed, "prepare"), feed.draws)
        batch = jax.vmap(feed.prepare, in_axes=(None, 0, 0))(resident, first, keys)

        def one_round(state, due):
            key = rng.stream(seed, "train", state.step)
            return experiment.train_step(state, batch, key, due=due)

        count = len(chunk["index"])
        return jax.lax.scan(one_round, state, jnp.arange(count) == count - 1)

    return rounds


def single_round_of(experiment, feed: Feed) -> Callable:
    """As `rounds_of`, one round and no scan."""

    def one_round(state, resident, chunk, seed):
        pieces = jax.tree.map(lambda leaf: leaf[0], chunk)
        keys = jax.random.split(rng.stream(seed, "prepare", state.step), feed.draws)
        batch = jax.vmap(feed.prepare, in_axes=(None, 0, 0))(resident, pieces, keys)
        key = rng.stream(seed, "train", state.step)
        return experiment.train_step(state, batch, key)

    return one_round


def linen_layers():
    """Inside, DCGAN is built of flax's own convolutions, which have the same parameters."""
    import flax.linen as nn

    def square(layer):
        def build(features, kernel_size, strides=1, **options):
            return layer(
                features,
                (kernel_size, kernel_size),
                strides=(strides, strides),
                **options,
            )

        return build

    return mock.patch.multiple(
        "genlab.models.dcgan",
        Conv=square(nn.Conv),
        ConvTranspose=square(nn.ConvTranspose),
    )
