import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genlab.game.norm import LARGE, PARTS, norm, sum_of_squares


@pytest.mark.parametrize("size", [1, LARGE, LARGE * PARTS + 7])
def test_every_number_counts_once(size):
    numbers = np.random.default_rng(size).normal(size=size).astype(np.float32)
    true = np.sum(np.square(numbers.astype(np.float64)))
    np.testing.assert_allclose(sum_of_squares(jnp.asarray(numbers)), true, rtol=1e-6)


def test_the_norm_is_of_all_leaves():
    tree = {"kernel": jnp.full((LARGE, 2), 0.5), "bias": jnp.full((4,), 64.0)}
    np.testing.assert_allclose(norm(tree), np.sqrt(LARGE / 2 + 4 * 64**2))
    assert norm({}) == 0


def test_slopes_are_twice_the_numbers():
    x = jax.random.normal(jax.random.key(0), (3, LARGE))
    np.testing.assert_allclose(jax.grad(sum_of_squares)(x), 2 * x)
    slopes = jax.vmap(jax.grad(sum_of_squares))(x)
    np.testing.assert_allclose(slopes, 2 * x)
    curvature = jax.jvp(jax.grad(sum_of_squares), (x,), (x,))[1]
    np.testing.assert_allclose(curvature, 2 * x)
