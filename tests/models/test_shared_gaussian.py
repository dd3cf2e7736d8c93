"""One learned Gaussian for all examples; what refining makes of it is tested with the amortization gap."""

import jax
import jax.numpy as jnp
import numpy as np

from genlab.models.shared_gaussian import SharedGaussian


def test_it_starts_as_the_prior_and_is_the_same_for_every_example():
    network = SharedGaussian(3)
    x = jax.random.normal(jax.random.key(0), (2, 4, 4, 1))
    variables = network.init(jax.random.key(1), x)
    mean, log_variance = network.apply(variables, x)
    assert mean.shape == log_variance.shape == (2, 3)
    assert not mean.any() and not log_variance.any()
    moved = jax.tree.map(lambda leaf: leaf + jnp.arange(3.0), variables)
    mean, _ = network.apply(moved, x)
    np.testing.assert_array_equal(mean, [[0, 1, 2], [0, 1, 2]])
