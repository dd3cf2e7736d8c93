"""Scores of disentanglement of hand-made matrices and codes, and against scikit-learn."""

import numpy as np
import pytest
import scipy
from sklearn.metrics import mutual_info_score

from genlab.distances.attribution import attribute_gap, attribution, of_importance
from genlab.distances.information import (
    Coded,
    factor_entropy,
    factor_information,
    information_gap,
    modularity,
)
from genlab.distances.votes import difference_score, variance_score
from genlab.errors import InputError

SIZES = (3, 6, 8)


def _examples(count, seed):
    generator = np.random.default_rng(seed)
    return np.stack([generator.integers(size, size=count) for size in SIZES], 1)


FITTED, HELD = _examples(2000, 0), _examples(1000, 1)
IDEAL = [Coded(factors.astype(float), factors) for factors in (FITTED, HELD)]
NOISE = [
    Coded(np.random.default_rng(2 + i).normal(size=(len(f), 4)), f)
    for i, f in enumerate((FITTED, HELD))
]
TURN = scipy.fft.dct(np.eye(3), norm="ortho")
MIXED = [Coded(((f - f.mean(0)) / f.std(0)) @ TURN, f) for f in (FITTED, HELD)]


def test_information_is_that_of_scikit_learn_after_the_same_bins():
    seen = MIXED[0]
    found = factor_information(seen, bins=7)
    for index, code in enumerate(seen.codes.T):
        edges = np.histogram_bin_edges(code, 7)
        binned = np.clip(np.digitize(code, edges[1:-1]), 0, 6)
        for place, factor in enumerate(seen.factors.T):
            expected = mutual_info_score(binned, factor)
            np.testing.assert_allclose(found[index, place], expected, atol=2e-3)
    counts = np.bincount(seen.factors[:, 1]) / len(seen.factors)
    np.testing.assert_allclose(
        factor_entropy(seen.factors)[1], -(counts * np.log(counts)).sum()
    )
    assert not factor_information(Coded(np.ones((9, 2)), FITTED[:9])).any()
    with pytest.raises(InputError, match="bins=1"):
        factor_information(seen, bins=1)


def test_gap_and_modularity_of_matrices_by_hand():
    information = np.array([[1.0, 0.0], [0.25, 0.5], [0.5, 0.1]])
    entropy = np.array([1.0, 2.0])
    assert information_gap(information, entropy) == pytest.approx((0.5 + 0.2) / 2)
    assert information_gap(information, np.array([1.0, 0.0])) == pytest.approx(0.5)
    # Codes: nothing besides; 1/4 of the square besides; 1/25 besides.
    expected = np.mean([1, 1 - 0.25, 1 - 0.04])
    assert modularity(information) == pytest.approx(expected)
    assert modularity(np.eye(3)) == 1.0
    assert modularity(np.ones((2, 3))) == 0.0
    assert modularity(np.array([[1.0, 0.0], [0.0, 0.0]])) == 0.5  # an unused code
    with pytest.raises(InputError, match="two factors"):
        modularity(np.ones((3, 1)))


def test_importances_by_hand():
    assert of_importance(np.eye(3)) == pytest.approx((1.0, 1.0))
    assert of_importance(np.ones((2, 2))) == pytest.approx((0.0, 0.0))
    # One code tells of both factors, the other of none: entangled, and each factor in one place.
    assert of_importance(np.array([[0.5, 0.5], [0.0, 0.0]])) == pytest.approx(
        (0.0, 1.0)
    )
    # Rows (3, 1) and (0, 4): entropies H(3/4) and 0, half of the weight each.
    quarter = -(0.75 * np.log2(0.75) + 0.25 * np.log2(0.25))
    found, _ = of_importance(np.array([[3.0, 1.0], [0.0, 4.0]]))
    assert found == pytest.approx(0.5 * (1 - quarter) + 0.5)


def test_ideal_codes_reach_the_ceilings_and_noise_the_floors():
    entropy = factor_entropy(FITTED)
    assert information_gap(factor_information(IDEAL[0]), entropy) > 0.98
    assert information_gap(factor_information(NOISE[0]), entropy) < 0.02
    assert modularity(factor_information(IDEAL[0])) > 0.99
    assert 0.5 < modularity(factor_information(NOISE[0])) < 0.8
    counts = {"votes": 300, "held_votes": 300}
    for score in (difference_score, variance_score):
        assert score(*IDEAL, **counts) == 1.0
        assert 0.2 < score(*NOISE, **counts) < 0.5
    # Turned codes lean to one factor or another too, and a vote asks for no more.
    assert 0.5 < variance_score(*MIXED, **counts) < 1.0
    ideal, noise, mixed = (
        attribution(*each, trees=3) for each in (IDEAL, NOISE, MIXED)
    )
    assert min(ideal) > 0.99
    assert max(noise[:2]) < 0.1
    assert noise.informativeness < 0.35
    assert mixed.disentanglement < 0.5 < mixed.informativeness
    few = [Coded(part.codes[:150], part.factors[:150]) for part in IDEAL]
    assert min(attribution(*few, estimator="boosting", trees=3)) > 0.9
    # The second best code does not tell of a factor at all: 1 - mean(1 / values).
    chance = np.mean([1 / size for size in SIZES])
    assert attribute_gap(*IDEAL) == pytest.approx(1 - chance, abs=0.05)
    assert attribute_gap(*NOISE) < 0.05
    with pytest.raises(InputError, match="unknown estimator 'lasso'"):
        attribution(*IDEAL, estimator="lasso")


def test_codes_that_hardly_vary_do_not_vote():
    factors = FITTED
    codes = np.concatenate([factors, 1e-3 * factors[:, ::-1]], axis=1).astype(float)
    seen = Coded(codes, factors)
    assert variance_score(seen, seen, votes=200, held_votes=200) == 1.0
    blank = Coded(np.zeros((len(factors), 2)), factors)
    assert variance_score(blank, blank, votes=200, held_votes=200) < 0.6
