"""Augmentations: what each keeps, and what it changes by how much."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genlab.data.augment import augmentations
from genlab.errors import InputError
from genlab.game import rng
from genlab.registry import corruptions


class TestAugmentations:
    image = jnp.asarray(np.random.default_rng(0).random((6, 5, 3)), jnp.float32)

    def apply(self, name, image=None, *, seed=0, **knobs):
        part = augmentations.build(name, **knobs)
        return part(self.image if image is None else image, jax.random.key(seed))

    @pytest.mark.parametrize(
        ("name", "knobs"),
        [
            ("horizontal_flip", {"probability": 0.0}),
            ("random_crop", {"padding": 0}),
            ("random_jitter", {"enlarge": 0}),
            ("color_jitter", {"brightness": 0.0, "contrast": 0.0, "saturation": 0.0}),
            ("random_grayscale", {"probability": 0.0}),
            ("gaussian_blur", {"probability": 0.0}),
            ("color_jitter", {"probability": 0.0}),
            ("random_rotation", {"degrees": 0.0}),
        ],
    )
    def test_without_strength_nothing_changes(self, name, knobs):
        np.testing.assert_allclose(self.apply(name, **knobs), self.image, atol=1e-6)

    def test_every_one_keeps_shape_and_range_under_vmap_with_traced_knobs(self):
        keys = jax.random.split(jax.random.key(1), 8)
        images = jnp.broadcast_to(self.image, (8, *self.image.shape))
        melody = jax.nn.one_hot(jnp.array([7, 1, 9, 0]), 20)
        melodies = jnp.broadcast_to(melody, (8, *melody.shape))
        for name in augmentations:
            stack = melodies if name == "transposition" else images
            knobs = {
                knob: value
                for knob, value in augmentations.knobs(name).items()
                if isinstance(value, float)
            }
            out = jax.jit(
                lambda knobs, name=name, stack=stack: jax.vmap(
                    lambda image, key: augmentations.find(name)(image, key, **knobs)
                )(stack, keys)
            )(knobs)
            assert out.shape == stack.shape, name
            assert float(out.min()) >= -1e-6 and float(out.max()) <= 1 + 1e-6, name
            assert float(jnp.abs(out - stack).max()) > 0.01, name

    def test_flip(self):
        np.testing.assert_array_equal(
            self.apply("horizontal_flip", probability=1.0), self.image[:, ::-1]
        )

    def test_crop_is_a_shifted_window(self):
        shifts = set()
        padded = np.pad(np.asarray(self.image), ((2, 2), (2, 2), (0, 0)))
        for seed in range(20):
            out = self.apply("random_crop", seed=seed, padding=2)
            matches = [
                (row, column)
                for row in range(5)
                for column in range(5)
                if np.array_equal(out, padded[row : row + 6, column : column + 5])
            ]
            assert len(matches) == 1
            shifts.add(matches[0])
        assert len(shifts) > 8

    def test_resized_crop_of_a_ramp_is_a_part_of_the_ramp(self):
        ramp = jnp.broadcast_to(
            ((jnp.arange(32) + 0.5) / 32)[:, None, None], (32, 32, 1)
        )
        for seed in range(5):
            out = self.apply("random_resized_crop", ramp, seed=seed, min_area=0.2)
            np.testing.assert_allclose(
                out, jnp.broadcast_to(out[:, :1], out.shape), atol=1e-5
            )
            slope = np.diff(np.asarray(out[2:-2, 0, 0]))
            np.testing.assert_allclose(slope, slope.mean(), atol=1e-5)
            # Height is between sqrt(0.2 * 3/4) and the whole.
            assert 0.387 < slope.mean() * 32 <= 1.0001

    def test_grayscale_weighs_as_itu_601(self):
        out = self.apply("random_grayscale", probability=1.0)
        expected = np.asarray(self.image) @ np.array([0.299, 0.587, 0.114])
        np.testing.assert_allclose(out[..., 1], expected, atol=1e-6)

    def test_refusals(self):
        with pytest.raises(InputError, match="padding=-1 is not"):
            self.apply("random_crop", padding=-1)
        with pytest.raises(InputError, match="enlarge=-1 is not"):
            self.apply("random_jitter", enlarge=-1)


def test_blur_is_that_of_scipy():
    from scipy import ndimage

    image = np.random.default_rng(0).random((9, 7, 1)).astype(np.float32)
    knobs = dict(probability=1.0, least=1.3, most=1.3 + 1e-6, radius=4)
    found = augmentations.build("gaussian_blur", **knobs)(image, jax.random.key(0))
    options = dict(mode="nearest", axes=(0, 1), radius=4)
    expected = ndimage.gaussian_filter(image, 1.3, **options)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_an_augmentation_is_a_corruption_of_each_image_by_its_own_key():
    x = jnp.asarray(np.random.default_rng(0).random((4, 6, 6, 3)), jnp.float32)
    key = jax.random.key(1)
    knobs = dict(brightness=0.9, probability=0.7)
    found = corruptions.build("color_jitter", **knobs)(x, key)
    keys = rng.examples(key, 4)
    for one, image, own in zip(found, x, keys, strict=True):
        expected = augmentations.build("color_jitter", **knobs)(image, own)
        np.testing.assert_allclose(one, expected, atol=1e-6)
    with pytest.raises(InputError, match="probability"):
        corruptions.build("color_jitter", probability=2.0)
