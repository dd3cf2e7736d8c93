"""What players pay beside the objective, by hand and against independent sums."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genlab.errors import InputError
from genlab.game import rng
from genlab.objectives.path import path_length
from genlab.objectives.penalty import dragan, gradient_penalty, r1, r2
from genlab.objectives.steadiness import (
    consistency,
    latent_consistency,
    latent_diversity,
    lecam,
    mode_seeking,
)
from genlab.objectives.weights import (
    historical_averaging,
    orthogonal_regularization,
    spectral_regularization,
)
from genlab.registry import objectives

KEY = jax.random.key(0)
W = jnp.arange(1.0, 4.0)


def linear(x):
    return x @ W


def square(x):
    return jnp.sum(jnp.square(x), axis=1)


def test_slopes_of_a_linear_critic():
    x, norm = jnp.zeros((4, 3)), float(jnp.linalg.norm(W))
    for penalty in (r1, r2):
        found = penalty(linear, x, x, weight=3.0)
        np.testing.assert_allclose(found, [1.5 * norm**2] * 4, rtol=1e-6)
    for found in (
        gradient_penalty(linear, x, x, KEY, weight=3.0),
        dragan(linear, x, KEY, weight=3.0),
    ):
        np.testing.assert_allclose(found, [3 * (norm - 1) ** 2] * 4, rtol=1e-6)


def test_each_slope_is_taken_at_its_place():
    real, fake = jnp.array([[1.0, 2.0]]), jnp.array([[0.0, 3.0]])
    np.testing.assert_allclose(r1(square, real, fake, weight=1.0), [0.5 * 4 * 5])
    np.testing.assert_allclose(r2(square, real, fake, weight=1.0), [0.5 * 4 * 9])
    # Around data of deviation s: x + c s u, u of its own for each value.
    spread = jnp.array([[0.0, 4.0], [4.0, 0.0]])
    noise = rng.uniform(KEY, (2, 2))
    at = spread + 0.5 * 2.0 * noise
    expected = (2 * np.linalg.norm(at, axis=1) - 1) ** 2
    found = dragan(square, spread, KEY, weight=1.0)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert len(np.unique(noise)) == 4


def test_lecam_by_hand():
    real, fake = jnp.array([2.0, 4.0]), jnp.array([-1.0, 0.0])
    memory = {"real": jnp.array(1.0), "fake": jnp.array(-2.0)}
    terms, memory = lecam(real, fake, memory, weight=0.5, decay=0.9)
    np.testing.assert_allclose(terms["real"], [0.5 * 16, 0.5 * 36])
    np.testing.assert_allclose(terms["fake"], [0.5 * 4, 0.5 * 1])
    np.testing.assert_allclose(memory["real"], 0.9 * 1 + 0.1 * 3, rtol=1e-6)
    np.testing.assert_allclose(memory["fake"], 0.9 * -2 + 0.1 * -0.5, rtol=1e-6)


def doubled(x, key):
    del key
    return 2 * x


def test_consistency_by_hand():
    real, fake = jnp.ones((2, 3)), jnp.array([[1.0, 0.0, 0.0], [0.0, 0.0, 2.0]])
    part = objectives.build(
        "consistency", weight=2.0, fake_weight=3.0, augment="test_penalty:doubled"
    )
    terms = part(linear, lambda x: 2 * linear(x), real, fake, KEY)
    np.testing.assert_allclose(terms["real"], [2 * 36.0, 2 * 36.0])
    np.testing.assert_allclose(terms["fake"], [3 * 4.0, 3 * 144.0])  # by its critic
    images = jnp.ones((2, 8, 8, 1))
    whole = lambda x: jnp.sum(x, axis=(1, 2, 3))
    # A shift by up to 4 of 8 pixels leaves at least a quarter of the sum; a flip leaves all.
    found = consistency(whole, whole, images, images, KEY, weight=1.0)["real"]
    assert np.all(found <= 48.0**2)


def test_latent_consistency_and_diversity_of_linear_maps():
    z = jnp.zeros((5, 2))
    move = 0.1 * rng.normal(KEY, z.shape)
    generator = lambda z: jnp.concatenate([z, z[:, :1]], axis=1)
    gaps = generator(move)
    found = latent_consistency(linear, generator, z, KEY, weight=2.0, std=0.1)
    np.testing.assert_allclose(found, 2 * (gaps @ W) ** 2, rtol=1e-4)
    found = latent_diversity(generator, z, KEY, weight=2.0, std=0.1)
    np.testing.assert_allclose(found, -2 * np.mean(gaps**2, axis=1), rtol=1e-4)


def test_mode_seeking_by_hand():
    """Differences 2, 1 and 3 of latents; a generator of slope 4 in half of its values and 0 in the others."""
    z = jnp.array([[0.0], [2.0], [3.0]])
    generator = lambda z: jnp.concatenate([4 * z, 0 * z], axis=1)
    found = mode_seeking(generator, z, weight=3.0, least=0.5)
    np.testing.assert_allclose(found, np.full(3, 3.0 / (2.0 + 0.5)), rtol=1e-5)
    blind = mode_seeking(jnp.zeros_like, z, weight=3.0, least=0.5)
    np.testing.assert_allclose(blind, np.full(3, 3.0 / 0.5), rtol=1e-5)


def test_path_length_of_a_linear_generator():
    matrix = jax.random.normal(jax.random.key(1), (3, 4 * 4 * 2))
    generator = lambda z: (z @ matrix).reshape(-1, 4, 4, 2)
    z, memory = jnp.zeros((6, 3)), {"mean": jnp.array(2.0)}
    noise = rng.normal(KEY, (6, 4, 4, 2)) / 4
    lengths = np.linalg.norm(noise.reshape(6, -1) @ matrix.T, axis=1)
    mean = 2.0 + 0.25 * (lengths.mean() - 2.0)
    knobs = {"weight": 3.0, "decay": 0.25}
    found, memory = path_length(generator, z, KEY, memory, **knobs)
    np.testing.assert_allclose(memory["mean"], mean, rtol=1e-5)
    np.testing.assert_allclose(found, 3 * (lengths - mean) ** 2, rtol=1e-4)


def test_path_length_of_styles():
    def generator(x, method=None):
        styles = jnp.stack([2 * x, x], axis=1)  # two layers
        if method == "mapping":
            return styles
        return x.sum(axis=1) if method == "synthesis" else styles.sum(axis=1)

    z, memory = jnp.zeros((6, 3)), {"mean": jnp.array(0.0)}
    noise = rng.normal(KEY, (6, 3)) / np.sqrt(3)
    found, _ = path_length(
        generator, z, KEY, memory, weight=1.0, decay=0.0, space="style"
    )
    np.testing.assert_allclose(found, np.sum(noise**2, axis=1), rtol=1e-5)
    with pytest.raises(InputError, match="space 'w' is unknown"):
        path_length(generator, z, KEY, memory, space="w")


KERNELS = {
    "one": {"kernel": jnp.array([[1.0, 2.0], [0.0, 1.0]]), "bias": jnp.ones(2)},
    "two": {"kernel": jnp.ones((1, 1, 3, 2))},
}


def test_columns_at_right_angles():
    # Inner products of the two columns: 2 and 3, each counted twice.
    found = orthogonal_regularization(KERNELS, weight=0.5)
    np.testing.assert_allclose(found, 0.5 * 2 * (4 + 9))
    assert float(orthogonal_regularization({"kernel": 3 * jnp.eye(3)})) == 0
    with pytest.raises(InputError, match="no parameter called 'kernel'"):
        orthogonal_regularization({"bias": jnp.ones(2)})


def test_spectral_norms_against_svd():
    memory = spectral_regularization.memory(KERNELS)
    for _ in range(30):
        found, memory = spectral_regularization(KERNELS, memory, weight=0.5)
    matrices = [np.array([[1.0, 2.0], [0.0, 1.0]]), np.ones((3, 2))]
    norms = [np.linalg.svd(m)[1][0] for m in matrices]
    np.testing.assert_allclose(found, 0.25 * np.sum(np.square(norms)), rtol=1e-5)
    slope = jax.grad(lambda k: spectral_regularization(k, memory, weight=1.0)[0])
    left, values, right = np.linalg.svd(matrices[0])
    expected = values[0] * np.outer(left[:, 0], right[0])
    np.testing.assert_allclose(
        slope(KERNELS)["one"]["kernel"], expected, rtol=1e-3, atol=1e-4
    )


def test_historical_averaging_by_hand():
    at = lambda value: {"w": jnp.full(2, value)}
    memory = historical_averaging.memory(at(1.0))
    paid = []
    for value in (1.0, 3.0, 5.0):
        found, memory = historical_averaging(at(value), memory, weight=0.5)
        paid.append(float(found))
    # Means before: 1 (the first parameters), 1, 2.
    np.testing.assert_allclose(paid, [0.0, 0.5 * 2 * 4, 0.5 * 2 * 9], rtol=1e-6)
    np.testing.assert_allclose(memory["mean"]["w"], [3.0, 3.0], rtol=1e-6)


def test_a_lazy_penalty_is_the_same_in_the_mean():
    x = jnp.ones((2, 3))
    lazily = objectives.build("r1", weight=1.0, every=4)
    paid = jax.jit(lambda step: lazily(linear, x, x, step=step))
    each = np.stack([paid(step) for step in range(8)])
    np.testing.assert_allclose(each[[0, 4]], 4 * 0.5 * 14.0 * np.ones((2, 2)))
    assert np.all(each[[1, 2, 3, 5, 6, 7]] == 0)
    lazily = objectives.build("lecam", every=2)
    memory = {"real": jnp.array(1.0), "fake": jnp.array(1.0)}
    terms, same = lazily(W, W, memory, step=jnp.int32(1))
    assert float(same["real"]) == 1.0 and not np.any(terms["real"])
    terms, other = lazily(W, W, memory, step=jnp.int32(2))
    once, _ = lecam(W, W, memory)
    assert float(other["real"]) != 1.0
    np.testing.assert_allclose(terms["real"], 2 * once["real"])
