"""Image quality and Frechet distance against closed forms and direct sums."""

import numpy as np
import pytest

from genlab.errors import InputError
from genlab.metrics import image_quality
from genlab.metrics.frechet import Moments, frechet_distance, moments_of


def images(count=2, size=(13, 15), channels=3, seed=0):
    return np.random.default_rng(seed).uniform(size=(count, *size, channels))


def direct_ssim(x, y):
    """Wang et al.'s sum over every window inside two images [H, W], as it is written."""
    ticks = np.arange(-5, 6)
    weights = np.exp(-(ticks[:, None] ** 2 + ticks[None] ** 2) / (2 * 1.5**2))
    weights /= weights.sum()
    found = []
    for i in range(x.shape[0] - 10):
        for j in range(x.shape[1] - 10):
            a, b = x[i : i + 11, j : j + 11], y[i : i + 11, j : j + 11]
            m, n = (weights * a).sum(), (weights * b).sum()
            v, w = (weights * (a - m) ** 2).sum(), (weights * (b - n) ** 2).sum()
            c = (weights * (a - m) * (b - n)).sum()
            found.append(
                (2 * m * n + 1e-4)
                * (2 * c + 9e-4)
                / ((m * m + n * n + 1e-4) * (v + w + 9e-4))
            )
    return np.mean(found)


class TestQuality:
    def test_constant_images(self):
        black, gray = np.zeros((1, 12, 12, 1)), np.full((1, 12, 12, 1), 0.1)
        np.testing.assert_allclose(image_quality.l1(black, gray), [0.1])
        np.testing.assert_allclose(image_quality.psnr(black, gray), [20.0])
        np.testing.assert_allclose(image_quality.psnr(black, black), [100.0])
        # Means 0 and 0.1, no variance: c / (0.01 + c).
        np.testing.assert_allclose(
            image_quality.ssim(black, gray), [1e-4 / (0.01 + 1e-4)]
        )

    def test_ssim_equals_the_sum_over_windows(self):
        x = images()
        y = np.clip(x + 0.2 * images(seed=1) - 0.1, 0, 1)
        expected = [
            np.mean([direct_ssim(a[..., c], b[..., c]) for c in range(3)])
            for a, b in zip(x, y)
        ]
        np.testing.assert_allclose(image_quality.ssim(x, y), expected, rtol=1e-9)
        np.testing.assert_allclose(image_quality.ssim(x, x), [1, 1])

    def test_sharpness_of_a_checkerboard_and_of_its_blur(self):
        board = np.indices((8, 8)).sum(0)[None, ..., None] % 2
        # The Laplacian is +4 on black and -4 on white.
        np.testing.assert_allclose(image_quality.sharpness(board), [16.0])
        assert image_quality.sharpness(np.full((1, 8, 8, 3), 0.3)) < 1e-20

    def test_refuses_what_cannot_be_compared(self):
        with pytest.raises(InputError, match="11 pixels or more"):
            image_quality.ssim(images(size=(10, 20)), images(size=(10, 20)))
        with pytest.raises(InputError, match="cannot be compared"):
            image_quality.psnr(images(), images(channels=1))


class TestFrechet:
    def test_gaussians_with_common_axes(self):
        """||m - n||^2 + sum (sqrt a - sqrt b)^2 where the covariances commute."""
        generator = np.random.default_rng(0)
        axes, _ = np.linalg.qr(generator.normal(size=(5, 5)))
        a, b = generator.uniform(0.1, 4, (2, 5))
        m, n = generator.normal(size=(2, 5))
        expected = ((m - n) ** 2).sum() + ((a**0.5 - b**0.5) ** 2).sum()
        one, other = ((axes * values) @ axes.T for values in (a, b))
        np.testing.assert_allclose(
            frechet_distance((m, one), (n, other)), expected, rtol=1e-10
        )

    def test_any_two_dimensions(self):
        """Tr (ST)^(1/2) of 2 x 2 matrices is sqrt(Tr ST + 2 sqrt(det ST))."""
        generator = np.random.default_rng(1)
        s, t = (a @ a.T for a in generator.normal(size=(2, 2, 2)))
        overlap = np.sqrt(np.trace(s @ t) + 2 * np.sqrt(np.linalg.det(s @ t)))
        expected = np.trace(s) + np.trace(t) - 2 * overlap
        zero = np.zeros(2)
        np.testing.assert_allclose(
            frechet_distance((zero, s), (zero, t)), expected, rtol=1e-8
        )

    def test_fewer_examples_than_features(self):
        features = np.random.default_rng(2).normal(size=(4, 20))
        moments = moments_of([features])
        assert 0 <= frechet_distance(moments, moments) < 1e-10

    def test_moments_of_batches_with_a_large_mean(self):
        features = np.random.default_rng(3).normal(size=(30, 4)) + 1e6
        mean, covariance = moments_of([features[:7], features[7:8], features[8:]])
        np.testing.assert_allclose(mean, features.mean(0), rtol=1e-12)
        np.testing.assert_allclose(covariance, np.cov(features.T), rtol=1e-8)

    def test_one_example_has_no_covariance(self):
        moments = Moments()
        moments.add(np.zeros((1, 3)))
        with pytest.raises(InputError, match="2 examples or more, not 1"):
            moments.finish()
