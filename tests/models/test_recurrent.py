"""Recurrent networks against an independent implementation, and as the other networks are held."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genlab.errors import InputError
from genlab.models.convolutional import ConvCodeEncoder
from genlab.models.recurrent import RecurrentDecoder, RecurrentEncoder
from genlab.objectives.sequence import categorical

KEY = jax.random.key(0)
BATCH, STEPS, WIDTH, HIDDEN = 3, 5, 4, 6


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def scattered(params, seed=1):
    """The parameters with every leaf drawn, so that no bias is 0."""
    leaves, structure = jax.tree.flatten(params)
    drawn = [0.4 * draw(*leaf.shape, seed=seed + i) for i, leaf in enumerate(leaves)]
    return jax.tree.unflatten(structure, drawn)


def in_torch(kind, cells):
    """torch's recurrent layer with the weights of flax cells: forward, and backward if there are two.

    Flax keeps one bias for each sum; torch's other one is 0. The gates of torch are stacked i, f, g, o
    for an LSTM and r, z, n for a GRU, whose n has both biases.
    """
    import torch

    gates = {"lstm": "ifgo", "gru": "rzn"}[kind]
    layer = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[kind](
        WIDTH, HIDDEN, batch_first=True, bidirectional=len(cells) == 2
    )
    zeros = {"bias": np.zeros(HIDDEN, np.float32)}
    for cell, suffix in zip(cells, ("", "_reverse")):
        for side, ours in (("ih", "i"), ("hh", "h")):
            dense = [{**zeros, **cell[ours + gate]} for gate in gates]
            weight = np.concatenate([part["kernel"].T for part in dense])
            bias = np.concatenate([part["bias"] for part in dense])
            layer.get_parameter(f"weight_{side}_l0{suffix}").data = torch.tensor(weight)
            layer.get_parameter(f"bias_{side}_l0{suffix}").data = torch.tensor(bias)
    return layer


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_encoder_equals_torch(kind, bidirectional):
    import torch

    encoder = RecurrentEncoder(2, HIDDEN, kind, bidirectional)
    x = draw(BATCH, STEPS, WIDTH)
    params = scattered(encoder.init(KEY, x)["params"])
    names = ["forward", "backward"][: 1 + bidirectional]
    layer = in_torch(kind, [params[name] for name in names])
    with torch.no_grad():
        _, last = layer(torch.tensor(x))
    last = last[0] if kind == "lstm" else last  # [directions, B, hidden]
    state = last.numpy().transpose(1, 0, 2).reshape(BATCH, -1)
    expected = state @ params["code"]["kernel"] + params["code"]["bias"]
    code = jax.jit(encoder.apply)({"params": params}, x)
    np.testing.assert_allclose(code, expected, atol=1e-5)


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_decoder_equals_torch_fed_with_the_code(kind):
    import torch

    decoder = RecurrentDecoder((STEPS, 2), HIDDEN, kind)
    code = draw(BATCH, WIDTH)
    params = scattered(decoder.init(KEY, code)["params"])
    layer = in_torch(kind, [params["cell"]])
    start = np.tanh(code @ params["start"]["kernel"] + params["start"]["bias"])
    parts = [
        torch.tensor(part)[None]
        for part in np.split(start, start.shape[1] // HIDDEN, 1)
    ]
    state = (
        (parts[1], parts[0]) if kind == "lstm" else parts[0]
    )  # torch: output, memory
    fed = torch.tensor(code)[:, None].repeat(1, STEPS, 1)
    with torch.no_grad():
        states = layer(fed, state)[0].numpy()
    expected = states @ params["outputs"]["kernel"] + params["outputs"]["bias"]
    outputs = jax.jit(decoder.apply)({"params": params}, code)
    np.testing.assert_allclose(outputs, expected, atol=1e-5)


def test_an_image_is_the_sequence_of_its_rows():
    encoder = RecurrentEncoder(2, HIDDEN, "gru")
    images = draw(BATCH, STEPS, 2, 2)
    rows = images.reshape(BATCH, STEPS, 4)
    variables = encoder.init(KEY, images)
    np.testing.assert_array_equal(
        encoder.apply(variables, images), encoder.apply(variables, rows)
    )
    decoder = RecurrentDecoder((STEPS, 2, 2), HIDDEN, "gru")
    codes = draw(BATCH, 2)
    variables = decoder.init(KEY, codes)
    flat = RecurrentDecoder((STEPS, 4), HIDDEN, "gru").apply(variables, codes)
    shaped = decoder.apply(variables, codes)
    assert shaped.shape == (BATCH, STEPS, 2, 2)
    np.testing.assert_array_equal(shaped, flat.reshape(shaped.shape))


@pytest.mark.parametrize("kind", [pytest.param("lstm", marks=pytest.mark.full), "gru"])
def test_bfloat16_computes_with_float32_parameters(kind):
    x = draw(BATCH, STEPS, WIDTH)
    results = {}
    for dtype in (jnp.float32, jnp.bfloat16):
        encoder = RecurrentEncoder(2, HIDDEN, kind, True, dtype=dtype)
        decoder = RecurrentDecoder((STEPS, WIDTH), HIDDEN, kind, dtype=dtype)
        reading = encoder.init(KEY, x)
        code = encoder.apply(reading, x)
        writing = decoder.init(KEY, code)
        outputs = decoder.apply(writing, code)
        leaves = jax.tree.leaves((reading, writing, code, outputs))
        assert {leaf.dtype for leaf in leaves} == {np.dtype(np.float32)}
        results[dtype] = np.asarray(outputs)
    low, full = results[jnp.bfloat16], results[jnp.float32]
    assert np.any(low != full), "computed in float32 after all"
    np.testing.assert_allclose(low, full, atol=0.05)


def test_gradients_under_scan_and_vmap_are_those_of_single_calls():
    encoder = RecurrentEncoder(2, HIDDEN)
    x = draw(2, BATCH, STEPS, WIDTH)
    params = encoder.init(KEY, x[0])
    gradient = jax.grad(lambda p, x: jnp.sum(jnp.square(encoder.apply(p, x))))
    alone = jax.tree.map(
        lambda *leaves: jnp.stack(leaves), *[gradient(params, one) for one in x]
    )
    mapped = jax.jit(jax.vmap(gradient, (None, 0)))(params, x)
    scanned = jax.jit(
        lambda p, x: jax.lax.scan(lambda c, x: (c, gradient(p, x)), 0, x)[1]
    )(params, x)
    for together in (mapped, scanned):
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5),
            alone,
            together,
        )


def test_mistakes_are_refused():
    with pytest.raises(InputError, match="unknown cell 'lstn'; did you mean 'lstm'"):
        RecurrentEncoder(2, cell="lstn").init(KEY, draw(1, 2, 3))
    with pytest.raises(InputError, match=r"shape \(3,\)"):
        RecurrentEncoder(2).init(KEY, draw(1, 3))
    with pytest.raises(InputError, match=r"shape \(3,\)"):
        RecurrentDecoder((3,)).init(KEY, draw(1, 3))


def test_convolutional_code_is_plain():
    encoder = ConvCodeEncoder(3, (2, 4), 5, code_activation="sigmoid")
    code = encoder.apply(encoder.init(KEY, draw(2, 7, 10, 1)), draw(2, 7, 10, 1))
    assert code.shape == (2, 3) and code.dtype == jnp.float32
    assert np.all((code > 0) & (code < 1))


def test_categorical_by_hand():
    # Two steps of three tokens; logits ln 1, ln 2, ln 5 have probabilities 1/8, 2/8, 5/8.
    logits = jnp.log(jnp.array([[[1.0, 2.0, 5.0], [1.0, 2.0, 5.0]]]))
    x = jnp.array([[[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]])
    expected = np.log(8 / 5) + np.log(8)
    np.testing.assert_allclose(categorical(logits, x), [expected], rtol=1e-6)


def test_categorical_is_finite_at_large_logits():
    logits = jnp.array([[[200.0, -200.0], [-200.0, 200.0]]])
    x = jnp.array([[[0.0, 1.0], [0.0, 1.0]]])
    value, slope = jax.value_and_grad(lambda l: categorical(l, x)[0])(logits)
    np.testing.assert_allclose(value, 400.0)
    # softmax - x by hand: [1, -1] where the token is surely wrong, 0 where it is surely right.
    np.testing.assert_allclose(slope, [[[1.0, -1.0], [0.0, 0.0]]], atol=1e-6)
