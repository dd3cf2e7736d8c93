"""The first operation that is not finite, among those that mask, loop, branch and differentiate."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genlab.training.origin import Numbers, origin


def found(function, *arguments):
    traced = jax.make_jaxpr(function)(*arguments)
    return origin(traced, jax.tree.leaves(arguments))


def test_finite_is_none():
    assert found(lambda x: jnp.log(x), jnp.ones(3)) is None


def test_an_infinity_that_is_masked_out_is_passed_over():
    def attention(x, scale):
        with jax.named_scope("masked"):
            hidden = jnp.where(jnp.arange(3) < 2, x, -jnp.inf)
        weights = jax.nn.softmax(hidden)
        with jax.named_scope("scaled"):
            return jnp.sum(weights) * jnp.log(scale)

    first = found(attention, jnp.ones(3), jnp.float32(-1.0))
    assert (first.operation, first.scopes) == ("log", ("scaled",))
    assert first.line.startswith("test_origin.py:") and "attention" in first.line
    assert first.operands[0].low == -1.0 and first.result[0].infinite == 1


def test_an_overflow_is_named_and_not_what_comes_of_it():
    first = found(lambda x: jnp.exp(x) - jnp.exp(x + 1), jnp.full(2, 100.0))
    assert first.operation == "exp"
    assert str(first.operands[0]) == "[2] float32: norm 141.4, from 100 to 100"


def test_the_iteration_of_a_loop_and_the_branch_that_ran():
    def loop(x):
        def body(carry, row):
            with jax.named_scope("body"):
                return carry - row, jnp.sqrt(carry)

        return jax.lax.scan(body, x, jnp.ones(5))

    first = found(loop, jnp.float32(2.5))
    assert (first.operation, first.scopes) == ("sqrt", ("body",))
    assert first.operands[0].low == -0.5

    branches = (jnp.exp, lambda x: jnp.log(x - 5))
    first = found(lambda i, x: jax.lax.switch(i, branches, x), 1, jnp.float32(1.0))
    assert first.operation == "log" and first.operands[0].low == -4.0
    while_loop = lambda x: jax.lax.while_loop(lambda y: y > 0, jnp.log, x)
    assert found(while_loop, jnp.float32(0.5)) is None
    assert found(lambda x: while_loop(x) * 0, jnp.float32(1e-38)) is None


def test_a_gradient_and_the_layer_it_flows_through():
    class Net(nn.Module):
        @nn.compact
        def __call__(self, x):
            x = nn.Dense(4, name="first")(x)
            return jnp.sqrt(nn.Dense(1, name="last")(x))

    net, x = Net(), jnp.zeros((2, 3))
    params = net.init(jax.random.key(0), x)
    loss = lambda params: jnp.sum(net.apply(params, x))
    assert found(loss, params) is None
    first = found(jax.grad(loss), params)
    assert first.operation == "div" and first.scopes == ("Net",)
    assert first.operands[1].high == 0.0 and not first.backward

    @jax.custom_vjp
    def careless(x):
        return x

    careless.defvjp(lambda x: (x, x), lambda x, g: (g * jnp.log(x),))
    with_it = lambda params: jnp.sum(careless(net.apply(params, x)) * 0)
    first = found(jax.grad(with_it), jax.tree.map(lambda leaf: leaf + 1, params))
    assert first is None or first.operation == "log"
    wild = jax.tree.map(lambda leaf: jnp.full_like(leaf, 1e30), params)
    first = found(lambda p: net.apply(p, x + 1e20), wild)
    assert first.scopes == ("Net", "first") and not first.backward
    assert first.operation == "dot_general" and len(first.operands) == 2


def test_what_was_not_finite_already_is_an_argument():
    first = found(
        lambda x, y: jnp.sum(x) + y["b"], jnp.ones(2), {"b": jnp.float32(jnp.inf)}
    )
    assert (first.operation, first.argument) == ("", 1)


@pytest.mark.parametrize("wrap", [jax.jit, jax.checkpoint, jax.vmap])
def test_calls_are_looked_into(wrap):
    first = found(wrap(lambda x: jnp.log(x) + 1), -jnp.ones(2))
    assert first.operation == "log"


def test_numbers_in_words():
    some = Numbers.of(np.array([3.0, np.nan, -4.0], np.float32))
    assert str(some) == (
        "[3] float32: 1 of 3 not finite, the others norm 5, from -4 to 3"
    )
    assert str(Numbers.of(np.full(2, np.inf))) == "[2] float64: 2 of 2 not finite"
    assert str(Numbers.of(np.zeros((0, 2)))) == "[0, 2] float64"
