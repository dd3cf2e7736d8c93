"""A codebook that follows what it is looked up for by moving averages."""

from typing import Any

import jax
import jax.numpy as jnp

from genlab.game import parallel
from genlab.game.precision import exact_products

Array = jax.Array
PyTree = Any
Codebook = dict[str, Array]

COLLECTION = "codebook"  # of `extra`


def first(key: Array, codes: int, width: int) -> Codebook:
    """K codes from the cube of side 2 / K about 0, used evenly so far: `vectors: [K, D]`, `shares: [K]`.

    Codes so close together are told apart by direction, so that many are nearest to something at first.

    Args:
      key: of the draw.
      codes: K.
      width: D.
    """
    vectors = jax.random.uniform(key, (codes, width), jnp.float32, -1.0, 1.0) / codes
    return {"vectors": vectors, "shares": jnp.full((codes,), 1 / codes)}


@exact_products
def nearest(codebook: Codebook, x: Array) -> Array:
    """Index of the code that is nearest to each vector of `x: [..., D]`: [...] int32."""
    vectors = codebook["vectors"]
    lengths = jnp.sum(jnp.square(vectors), axis=1)
    rows = x.reshape(-1, x.shape[-1])
    distances = lengths[None] - 2 * rows @ vectors.T  # up to the length of x
    return jnp.argmin(distances, axis=1).astype(jnp.int32).reshape(x.shape[:-1])


def looked_up(codebook: Codebook, indices: Array) -> Array:
    """Codes by their index: [..., D] of `indices: [...]`."""
    return codebook["vectors"][indices]


def shares_of(codebook: Codebook, indices: Array) -> Array:
    """How large a share of the whole batch each code has: [K], of `indices: [B, ...]`."""
    size = codebook["shares"].shape[0]
    counts = jnp.zeros(size).at[indices.reshape(-1)].add(1.0)
    return parallel.mean_over_devices(counts / indices.size)


def perplexity(shares: Array) -> Array:
    """exp of the entropy of `shares: [K]`, the number of codes that are in use: [] in [1, K]."""
    return jnp.exp(jnp.sum(jax.scipy.special.entr(shares)))


def followed(codebook: Codebook, x: Array, indices: Array, decay: Array) -> Codebook:
    """The codebook after a batch: the running means of what each code was nearest to.

    With n the share of the batch that a code has, m its mean and g the decay:
    N <- g N + (1 - g) n, e <- e + (1 - g) n / N (m - e), which is the quotient of the moving averages of
    sums and counts; a code that nothing was nearest to stays where it is.

    Args:
      codebook: the same on all devices.
      x: [B, ..., D], this device's vectors.
      indices: [B, ...], those of the codes nearest to them.
      decay: g in [0, 1].

    Paper: van den Oord et al. 2017, arXiv:1711.00937, appendix A.1
    """
    vectors, shares = codebook["vectors"], codebook["shares"]
    rows = x.reshape(-1, x.shape[-1])
    sums = jnp.zeros_like(vectors).at[indices.reshape(-1)].add(rows)
    sums = parallel.mean_over_devices(sums / rows.shape[0])
    fresh = shares_of(codebook, indices)
    running = decay * shares + (1 - decay) * fresh
    least = jnp.finfo(jnp.float32).tiny
    step = (1 - decay) / jnp.maximum(running, least)
    moved = vectors + step[:, None] * (sums - fresh[:, None] * vectors)
    return {"vectors": moved, "shares": running}


def revived(codebook: Codebook, x: Array, key: Array, below: Array) -> Codebook:
    """The codebook in which codes that are hardly used lie on vectors of the batch, used evenly.

    Args:
      codebook: the same on all devices.
      x: [B, ..., D], this device's vectors, of which those of the whole batch are drawn evenly.
      key: of the draws.
      below: a code is dead whose running share is less than this part of an even one.

    Papers: Dhariwal et al. 2020, arXiv:2005.00341, section 3.1; Williams et al. 2020, arXiv:2002.08111
    """
    vectors, shares = codebook["vectors"], codebook["shares"]
    size = shares.shape[0]
    every = parallel.gather_batch(x)
    every = every.reshape(-1, x.shape[-1])
    drawn = every[jax.random.randint(key, (size,), 0, every.shape[0])]
    dead = shares < below / size
    return {
        "vectors": jnp.where(dead[:, None], drawn, vectors),
        "shares": jnp.where(dead, 1 / size, shares),
    }
