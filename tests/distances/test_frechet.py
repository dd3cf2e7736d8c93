"""Frechet distance: closed forms, other draws, merged moments, and what few examples do."""

import numpy as np
import pytest
from scipy import linalg
from scipy.stats import binomtest

from genlab.distances.frechet import (
    Gaussian,
    Moments,
    frechet_at_infinity,
    frechet_distance,
    frechet_error,
    moments_of,
    rank_warning,
)
from genlab.errors import InputError
from genlab.statistics import about


def known(mean, covariance):
    return Gaussian(mean, covariance, 10**6)


def test_gaussians_with_common_axes():
    """||m - n||^2 + sum (sqrt a - sqrt b)^2 where the covariances commute."""
    generator = np.random.default_rng(0)
    axes, _ = np.linalg.qr(generator.normal(size=(5, 5)))
    a, b = generator.uniform(0.1, 4, (2, 5))
    m, n = generator.normal(size=(2, 5))
    expected = ((m - n) ** 2).sum() + ((a**0.5 - b**0.5) ** 2).sum()
    one, other = ((axes * values) @ axes.T for values in (a, b))
    found = frechet_distance(known(m, one), known(n, other))
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_any_two_dimensions():
    """Tr (ST)^(1/2) of 2 x 2 matrices is sqrt(Tr ST + 2 sqrt(det ST))."""
    s, t = (a @ a.T for a in np.random.default_rng(1).normal(size=(2, 2, 2)))
    overlap = np.sqrt(np.trace(s @ t) + 2 * np.sqrt(np.linalg.det(s @ t)))
    expected = np.trace(s) + np.trace(t) - 2 * overlap
    found = frechet_distance(known(np.zeros(2), s), known(np.zeros(2), t))
    np.testing.assert_allclose(found, expected, rtol=1e-8)


def test_the_matrix_root_of_the_paper_gives_the_same():
    x, y = np.random.default_rng(2).normal(size=(2, 400, 12)) * np.arange(1, 13)
    one, other = moments_of([x]), moments_of([y + 1])
    root = linalg.sqrtm(one.covariance @ other.covariance).real
    expected = np.square(one.mean - other.mean).sum()
    expected += np.trace(one.covariance + other.covariance - 2 * root)
    np.testing.assert_allclose(frechet_distance(one, other), expected, rtol=1e-9)


def test_fewer_examples_than_features():
    """0 of identical sets, never complex, never negative; and it says how many there were."""
    features = 30 * np.random.default_rng(2).normal(size=(20, 120))
    one, other = moments_of([features[:10]]), moments_of([features[10:]])
    assert 0 <= frechet_distance(one, one) < 1e-13 * np.trace(one.covariance)
    # The ranges of two so small sets are near orthogonal, so that little of the trace is shared.
    gap = np.square(one.mean - other.mean).sum()
    spread = np.trace(one.covariance) + np.trace(other.covariance)
    assert gap + spread / 2 < frechet_distance(one, other) < gap + spread
    warning = rank_warning(120, 500, 10)["warning"]
    assert "10 images leave a covariance of 120 features with a rank of 9" in warning
    assert not rank_warning(5, 6, 20)
    with pytest.raises(InputError, match="2 examples or more, not 1"):
        moments_of([features[:1]])


def test_moments_do_not_depend_on_the_batches():
    """Merged from parts, as devices make them, or taken in at once; with a large mean."""
    features = np.random.default_rng(3).normal(size=(30, 4)) + 1e6
    whole = moments_of([features])
    np.testing.assert_allclose(whole.mean, features.mean(0), rtol=1e-12)
    np.testing.assert_allclose(whole.covariance, np.cov(features.T), rtol=1e-8)
    batches = moments_of([features[:7], features[7:8], features[8:]])
    other = moments_of([np.random.default_rng(4).normal(size=(50, 4)) + 1e6 + 1])
    expected = frechet_distance(whole, other)
    later = Moments.of(features[12:13]).merge(Moments.of(features[13:]))
    for found in (batches, Moments.of(features[:12]).merge(later).finish()):
        assert found.count == 30
        assert frechet_distance(found, other) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("width", "count", "shift"), [(3, 200, 1), (32, 150, 0), (64, 20, 0)]
)
def test_error_is_that_of_other_draws(width, count, shift):
    """Far from the reference, near it, and of fewer examples than features, against 40 draws."""
    generator = np.random.default_rng(0)
    truth = known(np.zeros(width), np.eye(width))
    draws = [generator.normal(size=(count, width)) + shift for _ in range(40)]
    true = np.std([frechet_distance(moments_of([x]), truth) for x in draws], ddof=1)
    found = np.mean([frechet_error(x, truth) for x in draws[:10]])
    assert 0.75 * true < found < 1.7 * true


def test_error_is_the_jackknife():
    """As leaving out one example at a time says."""
    generator = np.random.default_rng(1)
    x, truth = generator.normal(size=(500, 4)) + 0.3, known(np.zeros(4), np.eye(4))
    left = [
        frechet_distance(moments_of([np.delete(x, row, 0)]), truth)
        for row in range(500)
    ]
    jackknife = np.sqrt(499 / 500 * np.square(np.array(left) - np.mean(left)).sum())
    assert frechet_error(x, truth) == pytest.approx(jackknife, rel=0.02)


def test_infinitely_many_examples():
    """N(0, I) in 20 dimensions against itself: 0, where 1,000 examples say 1/8."""
    truth, sizes = known(np.zeros(20), np.eye(20)), np.linspace(100, 1000, 15)
    for seed in range(5):
        features = np.random.default_rng(seed).normal(size=(1000, 20))
        plain = frechet_distance(moments_of([features]), truth)
        found, _ = frechet_at_infinity(features, truth, sizes.astype(int), seed)
        assert abs(found) < plain / 2
    with pytest.raises(InputError, match="3 counts or more between 2 and the 1000"):
        frechet_at_infinity(features, truth, (100, 3000, 200))


def test_interval_of_infinitely_many_covers_the_distance():
    """N(0.3, I) in 8 dimensions against N(0, I), 8 x 0.09, by 500 examples, 60 times."""
    generator, truth = np.random.default_rng(0), known(np.zeros(8), np.eye(8))
    sizes = np.linspace(50, 500, 15).astype(int)
    held = 0
    for seed in range(60):
        features = generator.normal(size=(500, 8)) + 0.3
        low, high = about(*frechet_at_infinity(features, truth, sizes, seed), 14)
        held += low < 0.72 < high
    assert binomtest(held, 60, 0.95).pvalue > 0.001
