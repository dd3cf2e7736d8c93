"""Autoencoders: regularizers against closed forms, corruption, ties, and what they do to training."""

import functools
import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import recipes

from genlab.config import load as configs
from genlab.config import override
from genlab.data.corruption import gaussian_noise, masking, salt_and_pepper
from genlab.data.selection import select
from genlab.errors import InputError
from genlab.game.turn import Draw
from genlab.metrics.principal_subspace import principal_subspace
from genlab.models.dense import DenseDecoder, DenseEncoder, TiedDecoder
from genlab.objectives import regularizer
from genlab.part import ask
from genlab.registry import datasets, objectives
from genlab.run.recipe import Recipe
from genlab.training.rounds import rounds_of

KEY = jax.random.key(0)
CONTRACTIVE = str(recipes.CONFIGS / "contractive_autoencoder.py:tiny")


def _encoding(widths=(4,), activation="sigmoid", dimension=6, batch=5):
    module = DenseEncoder(widths, activation)
    x = jax.random.normal(jax.random.key(1), (batch, dimension))
    params = module.init(jax.random.key(2), x)["params"]
    encode = lambda x: module.apply({"params": params}, x)
    slopes = None
    if module.has_closed_form():
        slopes = lambda x: module.slopes(params, x)
    code = encode(x)
    return regularizer.Encoding(encode, x, code, jnp.mean(code, axis=0), slopes)


@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
def test_closed_form_contraction_is_the_exact_one(activation):
    encoding = _encoding(activation=activation)
    analytic, exact = (
        regularizer.contractive(encoding, KEY, weight=1.0, estimator=estimator)
        for estimator in ("analytic", "exact")
    )
    np.testing.assert_allclose(analytic, exact, rtol=1e-5)


def test_contraction_of_one_unit_by_hand():
    """h = sigmoid(0) = 1/2, so that act' = 1/4 and ||J||^2 = (3^2 + 4^2) / 16."""
    module = DenseEncoder((1,))
    params = {"layer_0": {"kernel": jnp.array([[3.0], [4.0]]), "bias": jnp.zeros(1)}}
    x = jnp.zeros((1, 2))
    encode = lambda x: module.apply({"params": params}, x)
    slopes = lambda x: module.slopes(params, x)
    encoding = regularizer.Encoding(encode, x, encode(x), jnp.ones(1), slopes)
    value = regularizer.contractive(encoding, KEY, weight=2.0)
    np.testing.assert_allclose(value, [2 * 25 / 16], rtol=1e-6)


@pytest.mark.full
def test_hutchinson_is_unbiased():
    """4,000 Rademacher probes are within 3 standard errors of the exact norm."""
    encoding = _encoding(widths=(7, 4), activation="tanh")
    exact = regularizer.contractive(encoding, KEY, weight=1.0, estimator="exact")
    keys = jax.random.split(jax.random.key(3), 4000)
    draws = jax.vmap(
        lambda key: regularizer.squared_jacobian_estimate(
            encoding.encode, encoding.x, key, 1
        )
    )(keys)
    error = jnp.std(draws, axis=0) / math.sqrt(len(keys))
    assert (jnp.abs(jnp.mean(draws, axis=0) - exact) < 3 * error).all()
    many = regularizer.contractive(
        encoding, KEY, weight=1.0, estimator="hutchinson", probes=4000
    )
    assert (jnp.abs(many - exact) < 4 * error).all()


@pytest.mark.parametrize(
    ("name", "knobs"),
    [
        ("contractive", {"estimator": "analytic"}),
        ("contractive", {"estimator": "exact"}),
        ("contractive", {"estimator": "hutchinson", "probes": 3}),
        ("stochastic_contractive", {}),
        ("contractive_hessian", {"estimator": "analytic"}),
        pytest.param(
            *("contractive_hessian", {"estimator": "exact"}), marks=pytest.mark.full
        ),
        ("l1_sparsity", {}),
        ("kl_sparsity", {}),
    ],
)
def test_gradient_of_a_regularizer_is_its_finite_difference(name, knobs):
    """In float64. The tutorial code in circulation has a contraction without gradient."""
    with jax.enable_x64(True):
        x, kernel, direction = (
            jax.random.normal(jax.random.key(seed), shape, jnp.float64)
            for seed, shape in enumerate([(4, 5), (5, 3), (5, 3)])
        )

        def penalty(kernel):
            encode = lambda x: jax.nn.sigmoid(x @ kernel)
            slope = lambda x: encode(x) * (1 - encode(x))
            slopes = lambda x: (slope(x), jnp.sum(kernel**2, axis=0))
            mean = jnp.mean(encode(x), axis=0)
            encoding = regularizer.Encoding(encode, x, encode(x), mean, slopes)
            part = functools.partial(getattr(regularizer, name), weight=1.0, **knobs)
            return jnp.sum(
                ask(part, {"encoding": encoding, "key": KEY}, "this test", "part")
            )

        step = 1e-5
        ahead, behind = (
            penalty(kernel + step * direction),
            penalty(kernel - step * direction),
        )
        slope = jnp.sum(jax.grad(penalty)(kernel) * direction)
        assert abs(slope) > 1e-4
        np.testing.assert_allclose(slope, (ahead - behind) / (2 * step), rtol=1e-6)


def test_no_gradient_of_a_contraction_is_lost_to_a_silent_unit():
    """A unit whose weights are all zero."""
    x = jax.random.normal(KEY, (4, 5))
    kernel = jnp.ones((5, 3)).at[:, 1].set(0)

    def penalty(kernel):
        code = jax.nn.sigmoid(x @ kernel)
        slopes = lambda x: (
            jax.nn.sigmoid(x @ kernel) * (1 - jax.nn.sigmoid(x @ kernel)),
            jnp.sum(kernel**2, axis=0),
        )
        encoding = regularizer.Encoding(None, x, code, jnp.mean(code, axis=0), slopes)
        return jnp.sum(regularizer.contractive_hessian(encoding, KEY))

    assert jnp.isfinite(jax.grad(penalty)(kernel)).all()


def test_stochastic_contraction_is_the_jacobian_for_small_noise():
    encoding, std = _encoding(widths=(6, 4), activation="tanh"), 1e-2
    exact = regularizer.contractive(encoding, KEY, weight=1.0, estimator="exact")
    keys = jax.random.split(jax.random.key(3), 4000)
    draws = (
        jax.vmap(
            lambda key: regularizer.stochastic_contractive(
                encoding, key, weight=1.0, std=std
            )
        )(keys)
        / std**2
    )
    error = jnp.std(draws, axis=0) / math.sqrt(len(keys))
    assert (jnp.abs(jnp.mean(draws, axis=0) - exact) < 3 * error + 0.01 * exact).all()


def test_hessian_term_is_the_same_in_closed_form():
    encoding = _encoding()
    analytic, exact = (
        regularizer.contractive_hessian(encoding, KEY, estimator=estimator)
        for estimator in ("analytic", "exact")
    )
    np.testing.assert_allclose(analytic, exact, rtol=1e-4)
    first = regularizer.contractive(encoding, KEY, weight=0.1)
    assert (analytic > first).all()


def test_hessian_term_of_a_linear_map_is_zero():
    weights = jax.random.normal(KEY, (6, 4))
    x = jax.random.normal(jax.random.key(1), (3, 6))
    encoding = regularizer.Encoding(lambda x: x @ weights, x, x @ weights, jnp.ones(4))
    value = regularizer.contractive_hessian(
        encoding, KEY, weight=1.0, hessian_weight=5.0, estimator="exact"
    )
    np.testing.assert_allclose(value, jnp.sum(weights**2), rtol=1e-5)


def test_hessian_term_of_one_unit_by_hand():
    """h = sigmoid(3 x_1 + 4 x_2) at 3 x_1 + 4 x_2 = ln 3: h = 3/4, h'' = h (1 - h) (1 - 2 h) = -3/32.

    J = h' w, so J(x) - J(x + eps) is -h'' (w . eps) w for small eps: h''^2 ||w||^2 std^2 ||w||^2 in
    the mean.
    """
    weights = jnp.array([[3.0], [4.0]])
    x = jnp.array([[math.log(3) / 3, 0.0]])
    slopes = lambda x: (
        jax.nn.sigmoid(x @ weights) * (1 - jax.nn.sigmoid(x @ weights)),
        jnp.array([25.0]),
    )
    code = jax.nn.sigmoid(x @ weights)
    encoding = regularizer.Encoding(None, x, code, code[0], slopes)
    std, copies, weight = 1e-2, 4000, 7.0
    term = regularizer.contractive_hessian(
        encoding, KEY, weight=0.0, hessian_weight=weight, std=std, copies=copies
    )
    expected = weight * (3 / 32) ** 2 * 25 * std**2 * 25
    # The squares of normal draws have a variance of 2.
    np.testing.assert_allclose(term, [expected], rtol=4 * math.sqrt(2 / copies))


def test_sparsity_by_hand():
    code = jnp.array([[0.2, -0.5], [0.0, 0.1]])
    mean = jnp.array([0.05, 0.5])
    encoding = regularizer.Encoding(lambda x: x, code, code, mean)
    np.testing.assert_allclose(
        regularizer.l1_sparsity(encoding, weight=2.0), [1.4, 0.2], rtol=1e-6
    )
    expected = 0.05 * math.log(0.05 / 0.5) + 0.95 * math.log(0.95 / 0.5)
    np.testing.assert_allclose(
        regularizer.kl_sparsity(encoding, weight=3.0, target=0.05),
        3 * expected,
        rtol=1e-5,
    )
    dead = encoding._replace(mean=jnp.array([0.0, 1.0]))
    gradient = jax.grad(lambda mean: regularizer.kl_sparsity(dead._replace(mean=mean)))(
        dead.mean
    )
    assert jnp.isfinite(gradient).all()


@pytest.mark.parametrize(
    ("part", "knobs", "message"),
    [
        ("kl_sparsity", {"target": 0.0}, r"target=0.0 is not .* in \(0, 1\)"),
        ("contractive", {"estimator": "exakt"}, "did you mean 'exact'"),
        ("contractive", {"weight": -1.0}, "weight=-1.0 is not .* 0 or more"),
        ("contractive", {"probes": 0}, "'contractive': probes=0 is not .* 1 or more"),
        ("contractive_hessian", {"estimator": "hutchinson"}, "'exact'"),
        ("contractive_hessian", {"copies": 0}, "copies=0 is not .* 1 or more"),
    ],
)
def test_knobs_outside_their_range(part, knobs, message):
    with pytest.raises(InputError, match=message):
        built = objectives.build(part, **knobs)
        ask(built, {"encoding": _encoding(), "key": KEY}, "this test", "part")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"model.encoder.widths": "(4, 4)"}, "take 'exact' or 'hutchinson'"),
        ({"model.encoder.activation": "relu"}, "take 'exact' or 'hutchinson'"),
        (
            {
                "experiment.corruption": "masking",
                "experiment.corruption.fraction": "1.5",
            },
            r"'masking': fraction=1.5 is not .* in \[0, 1\]",
        ),
        (
            {
                "experiment.regularizer": "kl_sparsity",
                "experiment.regularizer.target": "1.0",
            },
            r"target=1.0 is not .* in \(0, 1\)",
        ),
        (
            {
                "model.encoder": "mlp",
                "model.encoder.hidden": "(4,)",
                "model.encoder.outputs": "3",
                "experiment.regularizer": "None",
            },
            "tied weights need a dense encoder, not 'mlp'",
        ),
        (
            {
                "model.encoder": "conv_encoder",
                "model.encoder.latent_dim": "4",
                "experiment.regularizer": "None",
            },
            "one output, its code, and 'conv_encoder' has",
        ),
        (
            {"data.value_range": "(-1.0, 1.0)"},
            r"'bernoulli' is the likelihood of examples in \[0, 1\]",
        ),
        (
            {"objective": "gaussian", "objective.scale": "0.0"},
            "'gaussian': scale=0.0 is not .* above 0",
        ),
        (
            {"experiment.regularizer": "None", "experiment.mean_decay": "0.9"},
            "mean_decay=0.9 is of the mean activations",
        ),
    ],
)
def test_impossible_autoencoders_are_refused_when_the_config_is_read(
    overrides, message
):
    config = configs.load(CONTRACTIVE)
    override.apply(config, overrides)
    with pytest.raises(InputError, match=message):
        Recipe.build(configs.plain(config))


def test_corruptions_strike_the_fraction_they_say():
    x = jnp.full((64, 500), 0.7)
    count = x.size
    masked = masking(x, KEY, fraction=0.25)
    share = float(jnp.mean(masked == 0))
    assert abs(share - 0.25) < 4 * math.sqrt(0.25 * 0.75 / count)
    assert set(np.unique(masked)) == {0.0, np.float32(0.7)}
    struck = salt_and_pepper(x, KEY, fraction=0.4, low=-1.0, high=1.0)
    for value in (-1.0, 1.0):
        share = float(jnp.mean(struck == value))
        assert abs(share - 0.2) < 4 * math.sqrt(0.2 * 0.8 / count)
    noise = gaussian_noise(x, KEY, std=0.3) - x
    assert abs(float(jnp.std(noise)) - 0.3) < 4 * 0.3 / math.sqrt(2 * count)
    np.testing.assert_array_equal(masking(x, KEY, fraction=0.0), x)
    assert not masking(x, KEY, fraction=1.0).any()
    assert (masking(x, jax.random.key(1), fraction=0.25) != masked).any()


def test_tied_decoder_is_the_transposed_encoder():
    encoder, decoder = DenseEncoder((4, 3), "identity"), TiedDecoder((6,), "identity")
    x = jax.random.normal(KEY, (5, 6))
    params = encoder.init(jax.random.key(1), x)["params"]
    kernels = encoder.kernels(params)
    code = encoder.apply({"params": params}, x)
    variables = decoder.init(jax.random.key(2), code, *kernels)
    assert {leaf.ndim for leaf in jax.tree.leaves(variables)} == {1}
    first, second = kernels
    expected = x @ first @ second @ second.T @ first.T
    np.testing.assert_allclose(
        decoder.apply(variables, code, *kernels), expected, rtol=1e-4, atol=1e-5
    )


def test_dictionary_has_rows_of_norm_one():
    decoder = DenseDecoder((6,), unit_norm=True)
    params = decoder.init(KEY, jnp.ones((1, 4)))
    patterns = decoder.apply(params, jnp.eye(4)) - decoder.apply(
        params, jnp.zeros((1, 4))
    )
    np.testing.assert_allclose(jnp.linalg.norm(patterns, axis=1), np.ones(4), rtol=1e-5)


def _trained(rounds, **overrides):
    config = configs.load(str(recipes.CONFIGS / "contractive_autoencoder.py:tiny"))
    override.apply(config, {key.replace("__", "."): v for key, v in overrides.items()})
    built = Recipe.build(configs.plain(config))
    feed = built.feed()
    program = jax.jit(rounds_of(built.experiment, feed))
    state, _ = program(
        built.init_state(), feed.resident, feed.chunk(0, rounds), np.uint32(0)
    )
    trained = built.trained(state)
    x = trained.examples("test", 64)["x"]
    return trained, x


def test_strong_contraction_collapses_the_code():
    """With tied weights the only escape is h(x) constant; reconstructions are one image."""
    trained, x = _trained(
        1500,
        experiment__regularizer__weight="1e4",
        optimizer__autoencoder__learning_rate="0.01",
    )
    assert np.std(trained.call("encode", x), axis=0).max() < 1e-3
    assert np.std(trained.call("reconstruct", x), axis=0).max() < 1e-2


def test_untied_weights_escape_the_contraction():
    """Encoder times a, decoder by a: the same reconstruction for less and less penalty.

    Tied, the same scaling changes the reconstruction: there is no such escape.
    """
    x = 0.01 * jax.random.normal(KEY, (8, 6))  # where tanh is linear
    encoder, a = DenseEncoder((4,), "tanh"), 0.1
    params = encoder.init(jax.random.key(1), x)["params"]
    scaled = jax.tree.map(lambda leaf: a * leaf, params)
    decode = jax.random.normal(jax.random.key(2), (4, 6))

    def penalty(params):
        slopes, norms = encoder.slopes(params, x)
        return float(jnp.mean(jnp.square(slopes) @ norms))

    code, small = (encoder.apply({"params": p}, x) for p in (params, scaled))
    assert penalty(scaled) < 1.01 * a**2 * penalty(params)
    np.testing.assert_allclose(
        small @ (decode / a), code @ decode, rtol=2e-3, atol=1e-5
    )
    kernel = params["layer_0"]["kernel"]
    tied, tied_small = code @ kernel.T, small @ (a * kernel).T
    assert float(jnp.max(jnp.abs(tied - tied_small))) > 0.5 * float(
        jnp.max(jnp.abs(tied))
    )


def test_untied_experiment_escapes_where_the_tied_one_cannot():
    """The same strong contraction: untied weights still tell examples apart."""
    knobs = {
        "experiment__regularizer__weight": "30",
        "optimizer__autoencoder__learning_rate": "0.01",
    }
    spread = {}
    for decoder in ("tied_decoder", "dense_decoder"):
        trained, x = _trained(1500, model__decoder=decoder, **knobs)
        spread[decoder] = np.std(trained.call("reconstruct", x), axis=0).mean()
    assert spread["dense_decoder"] > 10 * spread["tied_decoder"]


def test_filters_are_the_columns_of_the_first_kernel():
    built = recipes.recipe("contractive_autoencoder")
    state = built.init_state()
    filters = built.trained(state).call("filters")
    kernel = state.params["autoencoder"]["encoder"]["layer_0"]["kernel"]
    assert kernel.shape == (64, 12)
    np.testing.assert_array_equal(filters, np.transpose(kernel))


def test_stage_corrupts_the_code_below_and_not_the_example():
    """With everything masked the encoder of a stage sees zeros, and restores the clean code."""
    config = recipes.plain("stacked_autoencoder@layer_1")
    config["experiment"]["corruption"] = {"name": "masking", "fraction": 1.0}
    experiment = Recipe.build(config).experiment
    batch = {"x": jax.random.uniform(KEY, (5, 8, 8, 1))}
    params, extra = experiment.init(jax.random.key(1), batch)
    loss = experiment.players()["autoencoder"].loss
    found = loss(params, extra, Draw(batch, KEY, jnp.zeros((), jnp.int32)))
    below = experiment.networks["features"](params, extra, batch["x"])
    blank = experiment.networks["encoder"](params, extra, jnp.zeros_like(below))
    outputs = experiment.networks["decoder"](
        params, extra, blank, *experiment._kernels(params)
    )
    expected = jnp.sum(jax.nn.softplus(outputs) - below * outputs, axis=1)
    np.testing.assert_allclose(found.terms["reconstruction"], expected, rtol=1e-5)


def test_decoder_of_a_stage_makes_no_examples():
    built = recipes.recipe("stacked_autoencoder@layer_1")
    trained = built.trained(built.init_state())
    x = trained.examples("test", 4)["x"]
    assert trained.call("encode", x).shape == (4, 5)
    for method, argument in (("reconstruct", x), ("decode", np.ones((4, 5)))):
        with pytest.raises(InputError, match="of the frozen layers below it"):
            trained.call(method, argument)


def test_regularizer_looks_at_clean_codes():
    """KL and L1 see f(x), whatever is corrupted for the decoder."""
    values = {}
    for fraction in (0.0, 1.0):
        config = recipes.plain("sparse_autoencoder", experiment__mean_decay="None")
        config["experiment"]["corruption"] = {"name": "masking", "fraction": fraction}
        experiment = Recipe.build(config).experiment
        batch = {"x": jax.random.uniform(KEY, (5, 8, 8, 1))}
        params, extra = experiment.init(jax.random.key(1), batch)
        draw = Draw(batch, KEY, jnp.zeros((), jnp.int32))
        found = experiment.players()["autoencoder"].loss(params, extra, draw)
        values[fraction] = found.terms["regularization"]
    np.testing.assert_array_equal(values[0.0], values[1.0])


def test_linear_autoencoder_finds_the_principal_subspace():
    """Baldi & Hornik 1989; the known case behind `principal_subspace`."""
    config = recipes.plain("linear_autoencoder", train__batch_size="100")
    config["optimizer"]["autoencoder"]["learning_rate"] = 0.01
    built = Recipe.build(config)
    feed = built.feed()
    program = jax.jit(rounds_of(built.experiment, feed))
    state, _ = program(
        built.init_state(), feed.resident, feed.chunk(0, 3000), np.uint32(0)
    )
    found = principal_subspace(built.trained(state), "train").values
    assert found["largest_angle"] < 5
    assert found["relative_error"] < 1.02


def test_denoising_learns_to_point_at_the_data():
    """On two moons in the plane, g(f(x~)) - x~ undoes a part of the step away from them."""
    overrides = {
        "data": "toy2d", "data.kind": "two_moons", "data.std": "0.01",
        "experiment.regularizer": "None",
        "experiment.corruption": "gaussian_noise", "experiment.corruption.std": "0.3",
        "objective": "squared_error", "model.encoder.widths": "(32, 32)",
        "model.encoder.activation": "tanh", "model.decoder": "dense_decoder",
        "model.decoder.widths": "(32,)", "model.decoder.activation": "tanh",
        "optimizer.autoencoder.learning_rate": "0.01", "train.batch_size": "64",
        "sample.plots": "()",
    }  # fmt: skip
    trained, x = _trained(1500, **overrides)
    noise = np.array(0.3 * jax.random.normal(KEY, x.shape), np.float32)
    left = trained.call("reconstruct", x + noise) - x
    # Of the noise, what lies along the moons cannot be seen; across them it can be undone.
    assert np.mean(left**2) < 0.75 * np.mean(noise**2)


def test_running_mean_follows_the_code():
    built = Recipe.build(
        recipes.plain(
            "contractive_autoencoder",
            experiment__regularizer="kl_sparsity",
            experiment__mean_decay="0.5",
        )
    )
    feed = built.feed()
    program = jax.jit(rounds_of(built.experiment, feed))
    state = built.init_state()
    expected = np.full(12, 0.5)
    for step in range(3):
        before = state
        state, metrics = program(
            before, feed.resident, feed.chunk(step, 1), np.uint32(0)
        )
        x = _batch(built, feed, step)
        code = built.experiment.encode(before.params, before.extra, x)
        expected = 0.5 * expected + 0.5 * np.mean(code, axis=0)
        found = state.extra["code_mean"]["units"]
        np.testing.assert_allclose(found, expected, rtol=1e-5)
        np.testing.assert_allclose(
            metrics["autoencoder/mean_activation"], [np.mean(code)], rtol=1e-5
        )


def _batch(built, feed, step):
    index = feed.chunk(step, 1)["index"][0, 0]
    raw = built.data.splits["train"].gather(index)
    return built.preparation({**raw, "index": index}, KEY, False)["x"]


def test_selection_is_nested_and_leaves_out_classes():
    whole = datasets.build("digits")()
    few, more = (select(whole, train_size=size).splits["train"] for size in (50, 200))
    assert (few.size, more.size) == (50, 200)
    images = [
        {x.tobytes() for x in split.gather(np.arange(split.size))["x"]}
        for split in (few, more)
    ]
    assert images[0] <= images[1]
    labels = more.gather(np.arange(200))["label"]
    assert np.bincount(labels, minlength=10).min() >= 10
    without = select(whole, without_labels=(3, 7)).splits["train"]
    labels = without.gather(np.arange(without.size))["label"]
    assert set(labels.tolist()) == set(range(10)) - {3, 7}
    lookup = without.lookup(without.resident(), np.arange(5))
    np.testing.assert_array_equal(lookup["x"], without.gather(np.arange(5))["x"])
    for wrong in ({"train_size": 10**6}, {"train_size": -1}, {"without_labels": (10,)},
                  {"without_labels": tuple(range(10))}):  # fmt: skip
        with pytest.raises(InputError, match="data."):
            select(whole, **wrong)


@pytest.mark.full
def test_every_pair_of_corruption_and_objective_trains():
    pairs = itertools.product(
        ("masking", "gaussian_noise"), ("bernoulli", "squared_error")
    )
    for corruption, objective in pairs:
        trained, x = _trained(2, experiment__corruption=corruption, objective=objective)
        assert np.isfinite(trained.call("reconstruct", x)).all()


def test_rae_pays_for_codes_and_for_the_slope_of_the_decoder():
    """Of g(z) = z^2 in each dimension dg/dz is diagonal, which one probe sees exactly."""
    code = jnp.array([[1.0, -2.0], [0.5, 3.0]])
    value = regularizer.rae_gradient_penalty(
        code, jnp.square, KEY, weight=0.3, decoder_weight=0.7
    )
    squares = np.sum(np.square(code), axis=1)
    np.testing.assert_allclose(value, 0.5 * (0.3 + 0.7 * 4) * squares, rtol=1e-6)
    slope = jax.grad(
        lambda scale: jnp.sum(
            regularizer.rae_gradient_penalty(code, lambda z: scale * z, KEY, weight=0.0)
        )
    )(2.0)
    np.testing.assert_allclose(slope, 1e-3 * 2.0 * 2 * 2, rtol=1e-5)  # to the decoder
