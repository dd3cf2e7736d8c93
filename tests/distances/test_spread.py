"""Inception score, Vendi score and sliced Wasserstein distance where their values are known."""

import numpy as np
import pytest
from scipy import stats

from genlab.distances.sliced import sliced_wasserstein
from genlab.distances.spread import (
    inception_score_error,
    inception_scores,
    vendi,
    vendi_error,
)
from genlab.errors import InputError
from genlab.statistics import about


def test_inception_score_of_sure_and_even_classes():
    """K classes, each sure and as frequent: K; unsure, or of one class: 1."""
    sure = 200 * np.eye(5)[np.arange(100) % 5]
    np.testing.assert_allclose(inception_scores(sure, splits=1), 5)
    np.testing.assert_allclose(inception_scores(sure[:1].repeat(20, 0)), np.ones(10))
    np.testing.assert_allclose(inception_scores(np.zeros((20, 5))), np.ones(10))


def test_inception_score_by_its_formula():
    logits = np.random.default_rng(0).normal(size=(40, 3)) * 2
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    expected = np.exp(np.mean([stats.entropy(row, p.mean(0)) for row in p]))
    np.testing.assert_allclose(inception_scores(logits, splits=1), expected)
    draws = np.random.default_rng(1).normal(size=(60, 40, 3)) * 2
    scores = [inception_scores(draw, splits=1)[0] for draw in draws]
    assert inception_score_error(logits) == pytest.approx(np.std(scores), rel=0.4)
    with pytest.raises(InputError, match="40 samples cannot be cut into 41 splits"):
        inception_scores(logits, splits=41)


def test_vendi_score_counts_what_has_nothing_in_common():
    """Orthogonal: their number, weighted evenly; equal: 1; two even groups: 2; scale is nothing."""
    assert vendi(np.eye(7)) == pytest.approx(7)
    assert vendi(np.ones((9, 4))) == pytest.approx(1)
    assert vendi(np.diag([1.0, 5.0]).repeat(3, 0)) == pytest.approx(2)
    x = np.random.default_rng(0).normal(size=(30, 6))
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    values = np.linalg.eigvalsh(unit @ unit.T / 30).clip(1e-300)
    expected = np.exp(-(values * np.log(values)).sum())
    assert vendi(x) == pytest.approx(expected)
    wide = np.concatenate([x, np.zeros((30, 60))], 1)
    assert vendi(wide) == pytest.approx(expected)
    assert 0 < vendi_error(x) < 1


def test_sliced_distance_of_shifted_sets():
    """W2^2 on a line of a shift s is (s . line)^2, on average ||s||^2 / F."""
    x = np.random.default_rng(0).normal(size=(50, 4))
    shift = np.array([3.0, 0, 0, 4.0])
    found = sliced_wasserstein(x, x + shift, projections=4000)
    assert found.value == pytest.approx(25 / 4, rel=0.05)
    np.testing.assert_allclose(
        sliced_wasserstein(x, x[::-1]).lines, np.zeros(1000), atol=1e-20
    )


def test_sliced_distance_of_unlike_counts():
    """By linear programming over all plans (here: copies up to a common count), and by hand."""
    x, y = np.array([[0.0], [3.0]]), np.array([[0.0], [1.0], [3.0]])
    # Sixths: 0 0 0 3 3 3 against 0 0 1 1 3 3.
    found = sliced_wasserstein(x, y, projections=3)
    np.testing.assert_allclose(found.lines, np.full(3, (1 + 4) / 6))
    with pytest.raises(InputError, match="0 and 3 examples"):
        sliced_wasserstein(x[:0], y)


def test_interval_of_the_sliced_distance():
    """It covers the mean over other examples and lines, for sets of unlike size, 60 times."""
    generator, drawn = np.random.default_rng(0), dict(projections=30)
    y = generator.normal(size=(150, 6))
    found = [
        sliced_wasserstein(generator.normal(size=(100, 6)) + 0.2, y, seed=seed, **drawn)
        for seed in range(60)
    ]
    mean = np.mean([each.value for each in found])
    ends = np.array([about(each.value, each.error, 30) for each in found])
    held = np.sum((ends[:, 0] < mean) & (mean < ends[:, 1]))
    assert stats.binomtest(held, 60, 0.95).pvalue > 0.001
    assert np.mean([each.error for each in found]) == pytest.approx(
        np.std([each.value for each in found]), rel=0.35
    )
