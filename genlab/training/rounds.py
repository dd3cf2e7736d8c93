"""Many rounds as one pure function: the program that the loop compiles."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from genlab.data.feed import Feed
from genlab.game import rng
from genlab.game.experiment import Experiment
from genlab.game.remat import rematerialised


def rounds_of(
    experiment: Experiment, feed: Feed, begin: int = 0, remat: str = "none"
) -> Callable:
    """`(state, resident, chunk, seed) -> (state, metrics)`, one round per row of the chunk.

    The keys of a round depend on the seed and `state.step` alone, so that K rounds in one call are
    K calls of one round. `begin` are the rounds of the run before this stage's first; `remat` is what backward
    passes compute again, see `rematerialised`. Metrics have one row per round, `[rounds]` each; that of a norm of
    updates is the last round's in all of them.
    """

    def rounds(state, resident, chunk, seed):
        def one_round(state, given):
            pieces, due = given
            key = rng.stream(seed, "prepare", state.step)
            keys = rng.numbered(key, jnp.arange(feed.draws))
            batch = jax.vmap(feed.prepare, in_axes=(None, 0, 0))(resident, pieces, keys)
            return experiment.train_step(
                state, batch, rng.stream(seed, "train", state.step), begin, due
            )

        count = len(jax.tree.leaves(chunk)[0])
        due = jnp.arange(count) == count - 1
        with rematerialised(remat):
            state, metrics = jax.lax.scan(one_round, state, (chunk, due))
        return state, {name: _told(name, rows) for name, rows in metrics.items()}

    return rounds


def _told(name: str, rows: jax.Array) -> jax.Array:
    """A metric as it is logged, `[rounds]`; a norm that is not finite is in its own round alone."""
    if not name.endswith("/update_norm"):
        return rows
    return jnp.where(jnp.isfinite(rows[-1:]), rows[-1:], rows)
