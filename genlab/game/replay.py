"""A pool of images generated earlier, which a discriminator sees again."""

import jax
import jax.numpy as jnp

from genlab.game import parallel

Array = jax.Array
Pool = dict[str, Array]


def empty_pool(capacity: int, shape: tuple[int, ...]) -> Pool:
    """A pool that holds nothing yet: `images: [capacity, *shape]`, `count: []` int32."""
    return {
        "images": jnp.zeros((capacity, *shape)),
        "count": jnp.zeros((), jnp.int32),
    }


def exchange(pool: Pool, fresh: Array, key: Array) -> tuple[Pool, Array]:
    """Shows fresh images to the pool one after the other.

    While the pool is not full an image is stored and shown. Then, with probability 1/2, a stored
    one is shown in its place, drawn evenly, and the fresh one takes its room; otherwise the fresh
    one is shown and not stored. The order is that of the global batch, so that every device keeps
    the same pool.

    Args:
      pool: as `empty_pool` makes it, the same on all devices.
      fresh: [B, ...], this device's generated images; no gradient flows into what is shown.
      key: of this use.

    Returns:
      The pool afterwards and the images to show, [B, ...].

    Paper: Shrivastava et al. 2017, arXiv:1612.07828; Zhu et al. 2017, arXiv:1703.10593
    """
    capacity = pool["images"].shape[0]
    images = parallel.gather_batch(jax.lax.stop_gradient(fresh))
    indices = jnp.arange(images.shape[0])
    keys = jax.vmap(lambda index: jax.random.fold_in(key, index))(indices)

    def visit(pool: Pool, arrival: tuple[Array, Array]) -> tuple[Pool, Array]:
        image, key = arrival
        coin_key, slot_key = jax.random.split(key)
        full = pool["count"] >= capacity
        swaps = full & jax.random.bernoulli(coin_key)
        drawn = jax.random.randint(slot_key, (), 0, capacity)
        slot = jnp.where(full, drawn, pool["count"])
        stored = pool["images"][slot]
        kept = jnp.where(swaps | ~full, image, stored)
        renewed = {
            "images": pool["images"].at[slot].set(kept),
            "count": jnp.minimum(pool["count"] + 1, capacity),
        }
        return renewed, jnp.where(swaps, stored, image)

    pool, shown = jax.lax.scan(visit, pool, (images, keys))
    return pool, parallel.local_share(shown)
