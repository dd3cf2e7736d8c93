import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genlab.game.sums import (
    FEW,
    PARTS,
    norm,
    spread,
    sum_of_squares,
    sums,
    sums_of_squares,
)


@pytest.mark.parametrize("size", [1, FEW, FEW * PARTS + 7])
def test_every_number_counts_once(size):
    numbers = np.random.default_rng(size).normal(size=size).astype(np.float32)
    true = np.sum(np.square(numbers.astype(np.float64)))
    np.testing.assert_allclose(sum_of_squares(jnp.asarray(numbers)), true, rtol=1e-6)


def test_the_norm_is_of_all_leaves():
    tree = {"kernel": jnp.full((FEW, 2), 0.5), "bias": jnp.full((4,), 64.0)}
    np.testing.assert_allclose(norm(tree), np.sqrt(FEW / 2 + 4 * 64**2))
    assert norm({}) == 0


def test_slopes_are_twice_the_numbers():
    x = jax.random.normal(jax.random.key(0), (3, FEW))
    np.testing.assert_allclose(jax.grad(sum_of_squares)(x), 2 * x)
    slopes = jax.vmap(jax.grad(sum_of_squares))(x)
    np.testing.assert_allclose(slopes, 2 * x)
    curvature = jax.jvp(jax.grad(sum_of_squares), (x,), (x,))[1]
    np.testing.assert_allclose(curvature, 2 * x)


@pytest.mark.parametrize("shape", [(2, 3, 5, 4), (3, 37, 41, 16), (1, 4096, 8), (8, 6)])
def test_pixels_are_summed_as_numpy_does(shape):
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    pixels = tuple(range(1, len(shape) - 1))
    exact = x.astype(np.float64)
    scale = dict(rtol=1e-5, atol=1e-3)
    np.testing.assert_allclose(sums(x), exact.sum(pixels), **scale)
    squares = np.square(exact).sum(pixels)
    np.testing.assert_allclose(sums_of_squares(x), squares, **scale)


def test_sums_and_spread_are_transposes_under_every_transformation():
    x = jax.random.normal(jax.random.key(0), (3, 2, 37, 41, 16))
    scale = jax.random.normal(jax.random.key(1), (3, 2, 16))

    def loss(x, scale, sums, spread):
        scaled = jnp.tanh(x * spread(scale, x.shape))
        return jnp.sum(jnp.sin(sums(scaled)))

    plain = lambda x: jnp.sum(x, axis=(1, 2))
    wide = lambda values, shape: jnp.broadcast_to(values[:, None, None], shape)
    ours = jax.vmap(jax.grad(lambda *a: loss(*a, sums, spread), (0, 1)))
    theirs = jax.vmap(jax.grad(lambda *a: loss(*a, plain, wide), (0, 1)))
    for found, expected in zip(ours(x, scale), theirs(x, scale), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=2e-4)
    moved = [jax.jvp(f, (x, scale), (x, scale))[1][1] for f in (ours, theirs)]
    np.testing.assert_allclose(*moved, rtol=1e-3, atol=5e-3)
