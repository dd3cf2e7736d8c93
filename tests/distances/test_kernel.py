"""Discrepancies: sums over pairs as they are written, expectations of Gaussians, errors of other draws."""

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics.pairwise import polynomial_kernel, rbf_kernel

from genlab.distances import kernel, neighbours
from genlab.errors import InputError
from genlab.statistics import about


def direct(k_xx, k_yy, k_xy):
    """The unbiased estimate from whole matrices of kernels."""
    among = lambda k: (k.sum() - np.trace(k)) / (len(k) * (len(k) - 1))
    return among(k_xx) + among(k_yy) - 2 * k_xy.mean()


@pytest.mark.parametrize("block", [2**22, 20])
def test_sums_over_all_pairs(block, monkeypatch):
    """Against scikit-learn's kernels, whole or a few rows at a time."""
    monkeypatch.setattr(neighbours, "BLOCK", block)
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(7, 5)), generator.normal(size=(11, 5)) + 0.5
    cubic = lambda a, b: polynomial_kernel(a, b, degree=3, gamma=1 / 5, coef0=1)
    near = lambda a, b: rbf_kernel(a, b, gamma=1 / (2 * 1.5**2))
    for ours, theirs in ((kernel.polynomial, cubic), (kernel.gaussian(1.5), near)):
        found = kernel.squared_discrepancy(x, y, ours)
        expected = direct(theirs(x, x), theirs(y, y), theirs(x, y))
        assert found.value == pytest.approx(expected, rel=1e-12)
        rest = [np.delete(x, i, 0) for i in range(7)]
        left = [kernel.squared_discrepancy(each, y, ours).value for each in rest]
        error = np.sqrt(6 / 7 * np.square(np.array(left) - np.mean(left)).sum())
        assert found.error == pytest.approx(error, rel=1e-9)


def test_gaussians_far_apart():
    """N(0, 1) and N(m, 1): (1 + 2 / b^2)^(-1/2) (2 - 2 exp(-m^2 / (2 b^2 + 4)))."""
    generator = np.random.default_rng(0)
    b, m = 1.2, 1.0
    expected = (1 + 2 / b**2) ** -0.5 * (2 - 2 * np.exp(-(m**2) / (2 * b**2 + 4)))
    y = generator.normal(size=(1000, 1)) + m
    draws = [
        kernel.squared_discrepancy(
            generator.normal(size=(100, 1)), y, kernel.gaussian(b)
        )
        for _ in range(30)
    ]
    values = np.array([draw.value for draw in draws])
    assert values.mean() == pytest.approx(
        expected, abs=4 * values.std() / 30**0.5 + 0.02
    )
    errors = np.array([draw.error for draw in draws])
    assert np.median(errors) == pytest.approx(values.std(), rel=0.4)


def test_subsets_of_the_kernel_distance():
    """One subset of all examples is the sum over all pairs; of equal distributions they lie around 0."""
    x, y = np.random.default_rng(1).normal(size=(2, 60, 8))
    whole = kernel.squared_discrepancy(x, y, kernel.polynomial).value
    (found,) = kernel.kid_subsets(x, y, subsets=1, size=60)
    assert found == pytest.approx(whole, rel=1e-10)
    found = kernel.kid_subsets(x, y, subsets=30, size=20)
    assert found.min() < 0 < found.max()
    assert kernel.kid_subsets(x + 1, y, subsets=5, size=20).min() > found.max()
    with pytest.raises(InputError, match="a subset of 61 is not between 2 and the 60"):
        kernel.kid_subsets(x, y, size=61)


def test_interval_of_a_mean_over_subsets():
    """It covers what other examples and other subsets would have given, 60 times."""
    generator = np.random.default_rng(0)
    y, drawn = generator.normal(size=(300, 8)), dict(subsets=10, size=20)
    sets = generator.normal(size=(60, 200, 8)) + 0.3
    found = [
        kernel.kernel_inception_distance(x, y, seed=seed, **drawn)
        for seed, x in enumerate(sets)
    ]
    mean = np.mean(
        [kernel.squared_discrepancy(x, y, kernel.polynomial).value for x in sets]
    )
    ends = np.array([about(each.value, each.error, 10) for each in found])
    held = np.sum((ends[:, 0] < mean) & (mean < ends[:, 1]))
    assert binomtest(held, 60, 0.95).pvalue > 0.001


def test_the_median_distance():
    y = np.array([[0.0], [1.0], [3.0]])
    assert kernel.median_bandwidth(y) == pytest.approx(2.0)
