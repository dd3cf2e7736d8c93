"""Operations counted from what is traced, against sums by hand."""

import jax
import jax.numpy as jnp

from genlab.nn.convolution import Conv, ConvTranspose
from genlab.training import operations

X, W = jnp.ones((8, 16)), jnp.ones((16, 4))
ONCE = 2 * 8 * 16 * 4  # of X @ W


def _count(function, *arguments):
    return operations.count(jax.make_jaxpr(function)(*arguments))


def _loss(w):
    return jnp.sum(jnp.square(X @ w))


def test_products_of_forward_and_gradient():
    assert _count(_loss, W) == ONCE
    assert _count(jax.grad(_loss), W) == 2 * ONCE


def test_what_is_computed_twice_counts_once_and_what_nobody_needs_not_at_all():
    twice = lambda w: (_loss(w) + jax.jit(_loss)(w), jax.value_and_grad(_loss)(w))
    assert _count(twice, W) == 2 * ONCE

    def wasteful(w):
        _loss(w + 1)
        return jnp.sum(w)

    assert _count(wasteful, W) == 0
    assert _count(lambda w: _loss(w) + _loss(w + 1), W) == 2 * ONCE


def test_loops_count_as_often_as_they_run():
    def turns(w):
        return jax.lax.scan(lambda w, _: (w + X.T @ (X @ w), None), w, length=5)[0]

    assert _count(turns, W) == 5 * 2 * ONCE
    branch = lambda w: jax.lax.cond(w[0, 0] > 0, _loss, jnp.sum, w)
    assert _count(branch, W) == ONCE


def test_convolutions_and_their_gradients():
    """A tap of the kernel for each pixel of the smaller side, whichever derivative it is."""
    image = jnp.ones((2, 8, 8, 3))
    down, up = Conv(5, 4, 2), ConvTranspose(5, 4, 2)
    taps = 2 * 4 * 4 * 3 * 5
    for layer, pixels in ((down, 2 * 4 * 4), (up, 2 * 8 * 8)):
        variables = jax.eval_shape(layer.init, jax.random.key(0), image)
        call = lambda variables, x, layer=layer: jnp.sum(layer.apply(variables, x))
        assert _count(call, variables, image) == pixels * taps
        # Its value needs no product, since a sum of the result is linear in it.
        gradient = jax.grad(call, argnums=(0, 1))
        assert _count(gradient, variables, image) == 2 * pixels * taps

    native = lambda x, kernel: jax.lax.conv_general_dilated(
        x, kernel, (2, 2), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    assert _count(native, image, jnp.ones((4, 4, 3, 5))) == 2 * 4 * 4 * taps
