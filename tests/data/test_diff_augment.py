"""Changes of what a discriminator is shown."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genlab.data.adaptive import Ada
from genlab.data.diff_augment import CHANGES, diff_augment, flip_and_shift
from genlab.errors import InputError
from genlab.game import rng

KEY = jax.random.key(0)
X = jax.random.uniform(jax.random.key(1), (400, 8, 8, 3), minval=-1.0)
# Each pixel tells where it came from.
PLACES = jnp.broadcast_to(1 + jnp.arange(64.0).reshape(1, 8, 8, 1), (400, 8, 8, 1))


def drawn(name, x=X):
    return np.asarray(CHANGES[name](x, KEY))


def test_colours_change_as_they_say():
    shift = drawn("brightness") - X
    np.testing.assert_allclose(
        shift, np.broadcast_to(shift[:, :1, :1, :1], X.shape), atol=1e-6
    )
    offsets = shift[:, 0, 0, 0]
    assert -0.5 <= offsets.min() < -0.47 and 0.47 < offsets.max() < 0.5
    for name, axes, (low, high) in (
        ("saturation", (3,), (0.0, 2.0)),
        ("contrast", (1, 2, 3), (0.5, 1.5)),
    ):
        mean = np.mean(X, axis=axes, keepdims=True)
        found = drawn(name)
        np.testing.assert_allclose(np.mean(found, axes, keepdims=True), mean, atol=1e-5)
        factors = np.sum((found - mean) * (X - mean), axis=(1, 2, 3))
        factors /= np.sum((X - mean) ** 2, axis=(1, 2, 3))
        np.testing.assert_allclose(
            found, mean + factors[:, None, None, None] * (X - mean), atol=1e-4
        )
        spread = (high - low) / 40
        assert low <= factors.min() < low + spread
        assert high - spread < factors.max() < high


def test_a_translation_moves_by_up_to_an_eighth_and_fills_with_zeros():
    moves = set()
    for image in drawn("translation", PLACES)[..., 0]:
        (row, column) = np.argwhere(image > 0)[0]
        origin = int(image[row, column]) - 1
        down, right = row - origin // 8, column - origin % 8
        moves.add((down, right))
        expected = np.zeros((10, 10))
        expected[1 + down : 9 + down, 1 + right : 9 + right] = PLACES[0, ..., 0]
        np.testing.assert_array_equal(image, expected[1:9, 1:9])
    assert moves == {(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1)}


def test_a_cutout_is_a_window_of_half_the_size():
    found = drawn("cutout", PLACES)[..., 0]
    areas = set()
    for image in found:
        np.testing.assert_array_equal(image[image > 0], PLACES[0, ..., 0][image > 0])
        hole = image == 0
        rows, columns = hole.any(axis=1).sum(), hole.any(axis=0).sum()
        assert hole.sum() == rows * columns
        areas.add((rows, columns))
    # Of centres 0 to 8, those at the border lose a part of their window.
    assert areas == {(a, b) for a in (2, 3, 4) for b in (2, 3, 4)}


def test_images_are_mirrored_and_turned():
    image = PLACES[0, ..., 0]
    mirrored = {found.tobytes() for found in drawn("flip", PLACES)[..., 0]}
    assert mirrored == {np.asarray(i).tobytes() for i in (image, image[:, ::-1])}
    turned = {found.tobytes() for found in drawn("quarter_turn", PLACES)[..., 0]}
    assert turned == {np.rot90(np.asarray(image), k).tobytes() for k in range(4)}
    with pytest.raises(InputError, match="square"):
        CHANGES["quarter_turn"](X[:, :4], KEY)
    shifted = np.asarray(flip_and_shift(PLACES, KEY, pixels=2))[..., 0]
    assert 36 <= np.sum(shifted > 0, axis=(1, 2)).min() <= 42


def test_zoom_and_rotation_are_about_the_centre():
    ramp = jnp.arange(9.0) - 4
    plane = jnp.broadcast_to(ramp[None, None, :, None], (50, 9, 9, 1))
    sizes = 2 ** (0.2 * rng.normal(KEY, (50,)))
    zoomed = drawn("zoom", plane)
    np.testing.assert_allclose(zoomed[:, 4, 4, 0], 0, atol=1e-5)
    np.testing.assert_allclose(zoomed[:, 4, 5, 0], 1 / sizes, rtol=1e-5)
    angles = rng.uniform(KEY, (50,), -np.pi, np.pi)
    turned = drawn("rotation", plane)
    np.testing.assert_allclose(turned[:, 4, 5, 0], np.cos(angles), atol=1e-5)
    np.testing.assert_allclose(turned[:, 5, 4, 0], np.sin(angles), atol=1e-5)


def test_a_gradient_passes_and_each_image_has_its_own_draw():
    every = ("color", *(name for name in CHANGES if name not in ("brightness",)))
    whole = lambda x: jnp.sum(diff_augment(x, KEY, policy=every) ** 2)
    slope = jax.grad(whole)(X[:4])
    assert np.isfinite(slope).all() and np.all(np.any(slope != 0, axis=(1, 2, 3)))
    alike = diff_augment(jnp.ones((4, 8, 8, 1)), KEY)
    assert len(np.unique(alike.reshape(4, -1), axis=0)) == 4
    np.testing.assert_array_equal(diff_augment(X, KEY)[:2], diff_augment(X[:2], KEY))


def test_the_probability_of_ada_follows_the_signs():
    ada = Ada(policy=("brightness",), target=0.5, images=100)
    memory = {"probability": jnp.array(0.0)}
    np.testing.assert_array_equal(ada(X, KEY, memory), X)
    memory = ada.renew(memory, jnp.array([1.0, 2.0, 3.0, 4.0]))  # E sign = 1
    np.testing.assert_allclose(memory["probability"], 0.04)
    memory = ada.renew(memory, jnp.array([1.0, -2.0, 3.0, -4.0]))  # E sign = 0
    np.testing.assert_allclose(memory["probability"], 0.0)
    assert float(ada.renew(memory, -jnp.ones(4))["probability"]) == 0.0
    struck = ada(X, KEY, {"probability": jnp.array(0.25)}) != X
    assert abs(np.mean(struck[:, 0, 0, 0]) - 0.25) < 0.06
    assert np.all(ada(X, KEY, {"probability": jnp.array(1.0)}) != X)
