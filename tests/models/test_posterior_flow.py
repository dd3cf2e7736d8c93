"""Log-determinants of flows against the Jacobian."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genlab.models.posterior_flow import InverseAutoregressiveFlow, PlanarFlow


@pytest.mark.parametrize(
    ("flow", "size"),
    [
        (PlanarFlow(length=3), 1.0),
        (InverseAutoregressiveFlow(length=2, hidden=16), 0.3),
    ],
)
@pytest.mark.parametrize("width", [1, 3])
def test_log_determinant_is_that_of_the_jacobian(flow, size, width):
    z, context = (
        jax.random.normal(jax.random.key(index), (4, count))
        for index, count in enumerate((width, 5))
    )
    params = flow.init(jax.random.key(2), z, context)
    # Far from the identity, where planes turn against the bound of invertibility.
    large = jax.tree.map(
        lambda leaf: size * jax.random.normal(jax.random.key(3), leaf.shape), params
    )

    @jax.jit
    def both(weights):
        one = lambda z, c: flow.apply(weights, z[None], c[None])[0][0]
        return flow.apply(weights, z, context), jax.vmap(jax.jacfwd(one))(z, context)

    for weights in (params, large):
        (found, log_det), jacobians = both(weights)
        expected = np.linalg.slogdet(np.asarray(jacobians, np.float64))
        assert found.shape == z.shape and (expected[0] != 0).all()
        np.testing.assert_allclose(log_det, expected[1], rtol=1e-3, atol=1e-3)


def test_an_autoregressive_step_sees_the_dimensions_before_alone():
    flow = InverseAutoregressiveFlow(length=1, hidden=16)
    z, context = jnp.ones((1, 4)), jnp.ones((1, 2))
    params = flow.init(jax.random.key(0), z, context)
    # One step turns the order round.
    jacobian = jax.jacfwd(lambda z: flow.apply(params, z, context)[0][0, ::-1])(z)
    jacobian = np.asarray(jacobian)[:, 0]
    assert np.all(jacobian[np.triu_indices(4, 1)] == 0)
    assert np.all(jacobian[np.tril_indices(4)] != 0)


def test_a_fresh_flow_is_near_the_identity():
    z, context = jnp.ones((1, 4)), jnp.ones((1, 2))
    flow = PlanarFlow()
    made, log_det = flow.apply(flow.init(jax.random.key(0), z, context), z, context)
    np.testing.assert_allclose(made, z, atol=0.3)
    assert abs(float(log_det[0])) < 0.3
