"""A pool of images generated earlier, which a discriminator sees again."""

from typing import Any

import jax
import jax.numpy as jnp

from genlab.game import parallel, rng

Array = jax.Array
PyTree = Any
Pool = dict[str, PyTree]


def empty_pool(capacity: int, batch: PyTree) -> Pool:
    """A pool that holds nothing yet, of examples like those of a batch, an array or several that
    belong together: `images: [capacity, ...]`, `count: []` int32."""
    room = lambda leaf: jnp.zeros((capacity, *leaf.shape[1:]), leaf.dtype)
    return {"images": jax.tree.map(room, batch), "count": jnp.zeros((), jnp.int32)}


def exchange(pool: Pool, fresh: PyTree, key: Array) -> tuple[Pool, PyTree]:
    """Shows fresh images to the pool one after the other.

    While the pool is not full an image is stored and shown. Then, with probability 1/2, a stored
    one is shown in its place, drawn evenly, and the fresh one takes its room; otherwise the fresh
    one is shown and not stored. The order is that of the global batch, so that every device keeps
    the same pool.

    Args:
      pool: as `empty_pool` makes it, the same on all devices.
      fresh: [B, ...], this device's generated images, with what belongs to them such as labels; no
        gradient flows into what is shown.
      key: of this use.

    Returns:
      The pool afterwards and what to show, [B, ...].

    Paper: Shrivastava et al. 2017, arXiv:1612.07828; Zhu et al. 2017, arXiv:1703.10593
    """
    images = jax.tree.map(
        lambda leaf: parallel.gather_batch(jax.lax.stop_gradient(leaf)), fresh
    )
    capacity, count = (jax.tree.leaves(t)[0].shape[0] for t in (pool["images"], images))
    indices = jnp.arange(count)
    keys = rng.numbered(key, indices)

    def visit(pool: Pool, arrival: tuple[PyTree, Array]) -> tuple[Pool, PyTree]:
        image, key = arrival
        coin_key, slot_key = jax.random.split(key)
        full = pool["count"] >= capacity
        swaps = full & jax.random.bernoulli(coin_key)
        drawn = jax.random.randint(slot_key, (), 0, capacity)
        slot = jnp.where(full, drawn, pool["count"])
        stored = jax.tree.map(lambda held: held[slot], pool["images"])
        enters = swaps | ~full
        kept = jax.tree.map(lambda new, old: jnp.where(enters, new, old), image, stored)
        renewed = {
            "images": jax.tree.map(
                lambda held, new: held.at[slot].set(new), pool["images"], kept
            ),
            "count": jnp.minimum(pool["count"] + 1, capacity),
        }
        shown = jax.tree.map(lambda new, old: jnp.where(swaps, old, new), image, stored)
        return renewed, shown

    pool, shown = jax.lax.scan(visit, pool, (images, keys))
    return pool, jax.tree.map(parallel.local_share, shown)
