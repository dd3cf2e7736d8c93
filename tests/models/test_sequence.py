"""The networks of MusicVAE against PyTorch's LSTMs, and what a decoder sees of what came before."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genlab.errors import InputError
from genlab.models.sequence import (
    HierarchicalDecoder,
    SequenceDecoder,
    SequenceEncoder,
    log_softplus,
)

KEY = jax.random.key(0)
BATCH, STEPS, TOKENS, CODE = 3, 6, 5, 4
DECODERS = {
    "flat": SequenceDecoder((STEPS, TOKENS), (7, 6)),
    "hierarchical": HierarchicalDecoder((STEPS, TOKENS), 3, (7, 6), (4, 5)),
}


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def scattered(params, seed=1):
    """The parameters with every leaf drawn, so that no bias is 0."""
    leaves, structure = jax.tree.flatten(params)
    drawn = [0.4 * draw(*leaf.shape, seed=seed + i) for i, leaf in enumerate(leaves)]
    return jax.tree.unflatten(structure, drawn)


def one_hot(*shape, seed=0):
    tokens = np.random.default_rng(seed).integers(0, TOKENS, shape)
    return np.eye(TOKENS, dtype=np.float32)[tokens]


def lstm(cells, start, steps):
    """Outputs of PyTorch's LSTMs, one upon another, and their last states.

    Flax keeps one bias for each sum; torch's other one is 0. The gates of torch are stacked i, f, g, o.
    """
    import torch

    last = []
    for cell, (memory, output) in zip(cells, start, strict=True):
        hidden = cell["hi"]["kernel"].shape[0]
        layer = torch.nn.LSTM(steps.shape[-1], hidden, batch_first=True)
        for side, ours in (("ih", "i"), ("hh", "h")):
            dense = [cell[ours + gate] for gate in "ifgo"]
            weight = np.concatenate([part["kernel"].T for part in dense])
            bias = [part.get("bias", np.zeros(hidden, np.float32)) for part in dense]
            layer.get_parameter(f"weight_{side}_l0").data = torch.tensor(weight)
            layer.get_parameter(f"bias_{side}_l0").data = torch.tensor(
                np.concatenate(bias)
            )
        given = tuple(torch.tensor(part)[None] for part in (output, memory))
        with torch.no_grad():
            states, ends = layer(torch.tensor(steps), given)
        steps = states.numpy()
        last.append((ends[1][0].numpy(), ends[0][0].numpy()))
    return steps, last


def first_states(dense, code, widths):
    """Of each layer memory and output, by a tanh of one dense layer."""
    made = np.tanh(code @ dense["kernel"] + dense["bias"])
    parts = np.split(made, np.cumsum(np.repeat(widths, 2))[:-1], axis=-1)
    return list(zip(parts[::2], parts[1::2], strict=True))


def written(params, start, context, tokens, widths):
    """Logits of stacked LSTMs after `tokens: [B, T, V]`, those before each step."""
    beside = np.repeat(context[:, None], tokens.shape[1], axis=1)
    cells = [params[f"cell_{i}"] for i in range(len(widths))]
    states, _ = lstm(cells, start, np.concatenate([tokens, beside], axis=2))
    return states @ params["outputs"]["kernel"] + params["outputs"]["bias"]


def forced(decoder, params, z, target):
    own, noise = np.zeros(target.shape[:2], bool), np.zeros_like(target)
    return jax.jit(decoder.apply)({"params": params}, z, target, own, noise)


def initialised(decoder):
    z, target = draw(BATCH, CODE), one_hot(BATCH, STEPS)
    own = np.zeros((BATCH, STEPS), bool)
    params = decoder.init(KEY, z, target, own, np.zeros_like(target))["params"]
    return scattered(params), z, target


def before(target):
    return np.concatenate([np.zeros_like(target[:, :1]), target[:, :-1]], axis=1)


@pytest.mark.full
def test_encoder_equals_torch_with_two_layers_and_a_softplus_scale():
    encoder = SequenceEncoder(CODE, (6, 7))
    x = draw(BATCH, STEPS, TOKENS)
    params = scattered(encoder.init(KEY, x)["params"])
    steps = x
    for layer, width in enumerate((6, 7)):
        blank = [(np.zeros((BATCH, width), np.float32),) * 2]
        there, end = lstm([params[f"forward_{layer}"]], blank, steps)
        back, begin = lstm([params[f"backward_{layer}"]], blank, steps[:, ::-1].copy())
        steps = np.concatenate([there, back[:, ::-1]], axis=-1)
    state = np.concatenate([end[0][1], begin[0][1]], axis=-1)
    heads = [state @ params[n]["kernel"] + params[n]["bias"] for n in ("mean", "scale")]
    mean, log_variance = jax.jit(encoder.apply)({"params": params}, x)
    np.testing.assert_allclose(mean, heads[0], atol=1e-5)
    scale = np.log1p(np.exp(heads[1].astype(np.float64)))
    np.testing.assert_allclose(np.exp(0.5 * log_variance), scale, rtol=1e-4)


def test_flat_decoder_equals_torch_fed_with_code_and_tokens():
    decoder = DECODERS["flat"]
    params, z, target = initialised(decoder)
    start = first_states(params["start"], z, decoder.hidden)
    expected = written(params["writer"], start, z, before(target), decoder.hidden)
    np.testing.assert_allclose(forced(decoder, params, z, target), expected, atol=1e-5)


@pytest.mark.full
def test_hierarchical_decoder_equals_torch_part_by_part():
    decoder = DECODERS["hierarchical"]
    params, z, target = initialised(decoder)
    start = first_states(params["conductor_start"], z, decoder.conductor)
    conductor = [params["conductor_0"], params["conductor_1"]]
    said, _ = lstm(conductor, start, np.repeat(z[:, None], decoder.parts, axis=1))
    tokens, expected = before(target), []
    for part in range(decoder.parts):
        start = first_states(params["start"], said[:, part], decoder.hidden)
        piece = tokens[:, 2 * part : 2 * part + 2]
        expected.append(
            written(params["writer"], start, said[:, part], piece, decoder.hidden)
        )
    np.testing.assert_allclose(
        forced(decoder, params, z, target), np.concatenate(expected, 1), atol=1e-5
    )


@pytest.mark.parametrize("kind", list(DECODERS))
def test_a_free_run_is_teacher_forcing_by_its_own_tokens(kind):
    decoder = DECODERS[kind]
    params, z, _ = initialised(decoder)
    noise = np.random.default_rng(3).gumbel(size=(BATCH, STEPS, TOKENS))
    noise = noise.astype(np.float32)
    for amount in (0.0, 1.0):
        own, none = np.ones((BATCH, STEPS), bool), np.zeros_like(noise)
        free = jax.jit(decoder.apply)({"params": params}, z, none, own, amount * noise)
        tokens = np.eye(TOKENS, dtype=np.float32)[
            np.argmax(free + amount * noise, axis=-1)
        ]
        np.testing.assert_allclose(forced(decoder, params, z, tokens), free, atol=1e-6)
    assert len(np.unique(tokens.argmax(-1))) > 1


def test_own_tokens_are_seen_where_asked_for_and_nowhere_else():
    decoder = DECODERS["flat"]
    params, z, target = initialised(decoder)
    own = np.zeros((BATCH, STEPS), bool)
    own[:, 2] = True
    noise = np.zeros_like(target)
    mixed = jax.jit(decoder.apply)({"params": params}, z, target, own, noise)
    true = forced(decoder, params, z, target)
    np.testing.assert_allclose(mixed[:, :3], true[:, :3], atol=1e-6)
    seen = target.copy()
    seen[:, 2] = np.eye(TOKENS)[np.argmax(true[:, 2], axis=-1)]
    assert np.any(seen != target)
    np.testing.assert_allclose(mixed, forced(decoder, params, z, seen), atol=1e-6)


def test_log_of_a_softplus_keeps_value_and_slope_where_it_is_small_or_large():
    x = np.array([-300.0, -40, -15.5, -14.5, -1, 0, 3, 300])
    exact = np.where(x < -36, x, np.log(np.logaddexp(0, np.maximum(x, -36))))
    value, slope = jax.vmap(jax.value_and_grad(log_softplus))(
        jnp.asarray(x, jnp.float32)
    )
    np.testing.assert_allclose(value, exact, rtol=1e-5)
    sigmoid = 1 / (1 + np.exp(-np.maximum(x, -36)))
    steep = sigmoid / np.logaddexp(0, np.maximum(x, -36))
    np.testing.assert_allclose(slope, steep, rtol=1e-4)


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (
            HierarchicalDecoder((STEPS, TOKENS), 4),
            "parts=4 does not divide the 6 steps",
        ),
        (HierarchicalDecoder((STEPS, TOKENS), 3, (4,), ()), r"conductor=\(\) has no"),
        (SequenceDecoder((STEPS, TOKENS), ()), r"hidden=\(\) has no layer"),
        (SequenceDecoder((STEPS, 8, 1)), r"sequences of tokens .* \(6, 8, 1\)"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(module, message):
    z, target = draw(1, CODE), one_hot(1, STEPS)
    given = z, target, np.zeros((1, STEPS), bool), np.zeros_like(target)
    with pytest.raises(InputError, match=message):
        module.init(KEY, *given)
    with pytest.raises(InputError, match=r"shape \(8, 8, 1\)"):
        SequenceEncoder(2).init(KEY, np.zeros((1, 8, 8, 1)))
