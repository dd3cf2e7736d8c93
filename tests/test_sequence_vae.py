"""The recurrent VAE: scheduled sampling by its numbers, draws by their distribution, refusals."""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import recipes
from genlab.shipped.experiments.sequence_vae import SequenceVae
from scipy import stats

from genlab.commands.cli import main
from genlab.errors import InputError
from genlab.game import rng
from genlab.game.network import Network
from genlab.game.turn import Draw
from genlab.models.sequence import SequenceDecoder, SequenceEncoder
from genlab.objectives.bound import elbo
from genlab.objectives.divergence import gaussian_kl
from genlab.objectives.sequence import categorical
from genlab.run.recipe import Recipe
from genlab.training.train import train

STEPS, TOKENS = 4, 3


def model(**knobs):
    modules = {
        "encoder": SequenceEncoder(2, (3,)),
        "decoder": SequenceDecoder((STEPS, TOKENS), (3,)),
    }
    networks = {role: Network(role, module) for role, module in modules.items()}
    knobs = {"latent_dim": 2, "example_shape": (STEPS, TOKENS), **knobs}
    return SequenceVae(networks, elbo, {}, **knobs)


@pytest.fixture(scope="module")
def given():
    tokens = np.random.default_rng(0).integers(0, TOKENS, (2000, STEPS))
    x = jnp.asarray(np.eye(TOKENS, dtype=np.float32)[tokens])
    params, extra = model().init(jax.random.key(0), {"x": x[:2]})
    # Far from even tokens, so that a wrong distribution is seen.
    params = jax.tree.map(lambda leaf: 2.0 * leaf, params)
    params["vae"]["decoder"]["writer"]["outputs"]["bias"] = jnp.array([0.0, 1.0, -1.0])
    return params, extra, Draw({"x": x}, jax.random.key(1), jnp.int32(0))


def test_the_share_of_own_tokens_is_that_of_the_schedule(given):
    game = Recipe.build(recipes.plain("music_vae")).experiment
    for step in (0, 10):
        expected = 5 / (5 + np.exp(step / 5))
        assert abs(float(game.at(jnp.int32(step)).teacher_forcing) - expected) < 1e-6
    loss = jax.jit(
        lambda share: model(teacher_forcing=share)._loss(*given).metrics["own_tokens"]
    )
    for share in (1.0, 0.7, 0.0):
        own = np.asarray(loss(share))
        error = 4 * np.sqrt(share * (1 - share) / own.size)
        assert abs(own.mean() - (1 - share)) <= error
        assert len({row.tobytes() for row in own}) > 1 or share in (0, 1)


@pytest.mark.full
def test_the_bound_sees_true_tokens_however_it_is_trained(given):
    params, extra, draw = given
    found = [
        jax.jit(model(teacher_forcing=share).measure)(params, extra, draw)
        for share in (1.0, 0.0)
    ]
    np.testing.assert_array_equal(found[0]["negative_elbo"], found[1]["negative_elbo"])
    forced = jax.jit(model(teacher_forcing=1.0)._loss)(params, extra, draw).terms
    total = forced["reconstruction"] + forced["kl"]
    np.testing.assert_allclose(found[0]["negative_elbo"], total, rtol=1e-5)
    np.testing.assert_allclose(
        found[0]["kl"], gaussian_kl(*model().posterior(params, extra, draw.batch["x"]))
    )
    own = jax.jit(model(teacher_forcing=0.0)._loss)(params, extra, draw).terms
    assert np.abs(own["reconstruction"] - forced["reconstruction"]).max() > 0.01


def test_log_weights_are_of_both_densities(given):
    params, extra, draw = given
    draw = draw.replace(batch={"x": draw.batch["x"][:3]})
    game, samples = model(), 2000
    found = jax.jit(game.log_weights, static_argnums=3)(params, extra, draw, samples)
    assert found.shape == (3, samples)
    mean, log_variance = game.posterior(params, extra, draw.batch["x"])
    z = game_draws(draw, mean, log_variance, samples)
    log_q = stats.norm.logpdf(z, mean[:, None], np.exp(0.5 * log_variance)[:, None])
    ratio = (stats.norm.logpdf(z) - log_q).sum(-1)
    flat = jnp.asarray(z.reshape(-1, 2))
    x = jnp.repeat(draw.batch["x"], samples, axis=0)
    likelihood = categorical(game._forced(params, extra, flat, x), x)
    expected = ratio - np.asarray(likelihood).reshape(3, samples)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def game_draws(draw, mean, log_variance, samples):
    noise = rng.normal(draw.key("latent"), (len(mean), samples, 2))
    return np.asarray(
        mean[:, None] + np.exp(0.5 * log_variance)[:, None] * noise, np.float64
    )


@pytest.mark.full
def test_a_conductor_trains_alike_on_any_devices():
    part = dict(name="hierarchical_decoder", parts=2, hidden=[6], conductor=[5])
    built = Recipe.build(recipes.plain("music_vae", model__decoder=repr(part)))
    one = recipes.run_rounds(built, 3, 3)
    for devices, how in ((4, "jit"), (2, "pmap")):
        other = recipes.run_rounds(built, 3, 1, devices, how)
        recipes.assert_close(one[0], other[0], 1e-5)
        recipes.assert_close(one[1], recipes.as_one_call(other[1]), 1e-4)


def test_samples_are_draws_of_the_softmax_after_their_own_tokens(given):
    """Of one code, against the probabilities of all pairs of first tokens by teacher forcing."""
    params, extra, _ = given
    game, num = model(), 20_000
    z = jnp.broadcast_to(jnp.array([0.5, -1.0]), (num, 2))
    noise = np.random.default_rng(0).gumbel(size=(num, STEPS, TOKENS))
    drawn = jax.jit(game._free)(params, extra, z, jnp.asarray(noise, jnp.float32))
    first, second = np.moveaxis(np.asarray(drawn[:, :2].argmax(-1)), 1, 0)
    found = np.histogram2d(first, second, bins=TOKENS, range=[[0, TOKENS]] * 2)[0] / num
    pairs = np.stack(np.meshgrid(*[np.arange(TOKENS)] * 2, indexing="ij"), -1)
    tokens = np.pad(pairs.reshape(-1, 2), ((0, 0), (0, STEPS - 2)))
    x = jnp.eye(TOKENS)[tokens]
    logits = game._forced(params, extra, z[: len(x)], x)
    log_p = -categorical(logits[:, :2], x[:, :2])
    expected = np.exp(log_p).reshape(TOKENS, TOKENS)
    np.testing.assert_allclose(expected.sum(), 1, rtol=1e-5)
    np.testing.assert_allclose(found, expected, atol=4 * np.sqrt(0.25 / num))


def test_cold_samples_are_what_their_codes_decode_to(given):
    params, extra, _ = given
    key = jax.random.key(5)
    cold = model(temperature=0.0)
    samples = jax.jit(cold.sample, static_argnums=3)(params, extra, key, 6)
    z = cold.latents(rng.fold(key, "latent"), 6)
    np.testing.assert_array_equal(samples, jax.jit(cold.decode)(params, extra, z))


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (dict(model__decoder="mlp_decoder"), "does not see the tokens before"),
        (dict(data="digits"), r"sequences of tokens .*\(8, 8, 1\)"),
        (dict(data__value_range="(-1.0, 1.0)"), r"'categorical' is the likelihood of"),
        (
            dict(model__decoder="{'name': 'hierarchical_decoder', 'parts': 3}"),
            "parts=3 does not divide the 16 steps",
        ),
        (dict(objective="iwae"), "needs 'log_weights', which 'sequence_vae' does not"),
        (dict(sample__plots="('reconstructions',)"), "needs images .* or points"),
    ],
)
def test_what_does_not_fit_is_refused_before_training(overrides, message, tmp_path):
    config = recipes.plain("music_vae", **overrides)
    with pytest.raises(InputError, match=message):
        train(config, tmp_path / "run", {})
    assert not (tmp_path / "run").exists()


@pytest.mark.full
@pytest.mark.filterwarnings("ignore")  # music21's own
def test_a_run_of_melodies_is_drawn_heard_and_measured(tmp_path, monkeypatch):
    pytest.importorskip("music21")
    monkeypatch.chdir(tmp_path)
    metrics = "--config.eval.metrics=posterior,melody_accuracy,melody_attributes"
    plots = "--config.sample.plots=samples,melodies,melody_interpolations"
    train = ["genlab", "--config=music_vae:tiny", "--workdir=run", metrics, plots]
    assert main(train) == 0
    measured = json.loads(Path("run/results.json").read_text())["metrics"]
    names = {"teacher_forced", "free_running", "nearest_neighbour", "constant"}
    assert names <= measured["melody_accuracy"]["values"].keys()
    assert main(["genlab", "sample", "--workdir=run", "--num=2", "--out=a.mid"]) == 0
    paths = "--plots=melody_interpolations"
    assert main(["genlab", "plot", "--workdir=run", paths, "--out=b.mid"]) == 0
    assert all(Path(f).read_bytes().startswith(b"MThd") for f in ("a.mid", "b.mid"))
    assert main(["genlab", "report", "--workdir=run"]) == 0
    assert Path("run/report.html").read_text().count("data-tunes=") == 3 * 3
