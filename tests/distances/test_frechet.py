"""Frechet distance: closed forms, other draws, merged moments, and what few examples do."""

import numpy as np
import pytest
from scipy import linalg

from genlab.distances.frechet import (
    Gaussian,
    Moments,
    bootstrap_deviation,
    frechet_at_infinity,
    frechet_distance,
    moments_of,
    rank_warning,
)
from genlab.errors import InputError


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
    warning = rank_warning(one, other)["warning"]
    assert "10 images leave a covariance of 120 features with a rank of 9" in warning
    assert not rank_warning(moments_of([features[:, :5]]))
    with pytest.raises(InputError, match="2 examples or more, not 1"):
        moments_of([features[:1]])


def test_moments_do_not_depend_on_the_batches():
    """Merged from parts, as devices make them, or taken in at once; with a large mean."""
    features = np.random.default_rng(3).normal(size=(30, 4)) + 1e6
    whole = moments_of([features])
    np.testing.assert_allclose(whole.mean, features.mean(0), rtol=1e-12)
    np.testing.assert_allclose(whole.covariance, np.cov(features.T), rtol=1e-8)
    batches = moments_of([features[:7], features[7:8], features[8:]])
    merged = Moments().merge(Moments().add(features[:12])).merge(Moments())
    merged = merged.merge(Moments().add(features[12:13]).add(features[13:])).finish()
    other = moments_of([np.random.default_rng(4).normal(size=(50, 4)) + 1e6 + 1])
    expected = frechet_distance(whole, other)
    for found in (batches, merged):
        assert found.count == 30
        assert frechet_distance(found, other) == pytest.approx(expected, rel=1e-9)


def test_deviation_is_that_of_other_draws():
    """Of 200 draws from a Gaussian against its own moments, within a third."""
    generator = np.random.default_rng(0)
    truth = known(np.zeros(3), np.eye(3))
    draws = [generator.normal(size=(200, 3)) + 1 for _ in range(60)]
    true = np.std([frechet_distance(moments_of([x]), truth) for x in draws])
    found = bootstrap_deviation(draws[0], truth, 60)
    assert found == pytest.approx(true, rel=1 / 3)


def test_infinitely_many_examples():
    """N(0, I) in 20 dimensions against N(1/4, I): 20/16, where 200 examples say a third more."""
    generator = np.random.default_rng(0)
    features, truth = (
        generator.normal(size=(2000, 20)),
        known(np.full(20, 0.25), np.eye(20)),
    )
    biased = frechet_distance(moments_of([features[:200]]), truth)
    sizes = np.linspace(200, 1000, 15).astype(int)
    found, error = frechet_at_infinity(features, truth, sizes)
    assert biased > 1.25 * 1.2
    assert abs(found - 1.25) < 3 * error + 0.1
    assert 0 < error < 0.1
    with pytest.raises(InputError, match="3 counts or more between 2 and the 2000"):
        frechet_at_infinity(features, truth, (100, 3000, 200))
