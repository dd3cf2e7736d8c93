"""Precision, recall, density, coverage and copies: by hand, and by distances one at a time."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.neighbors import NearestNeighbors

from genlab.distances import neighbours
from genlab.distances.copying import copying, nearer_share
from genlab.errors import InputError


def test_balls_on_a_line_by_hand():
    """k = 1: real balls reach 1, 1, 3 and 16 around 0, 1, 4 and 20, those of samples 0.7, 0.7, 5.3."""
    real = np.array([[0.0], [1.0], [4.0], [20.0]])
    samples = np.array([[0.5], [1.2], [6.5]])
    found = neighbours.neighbourhoods(real, samples, 1)
    assert found.inside.tolist() == [True, True, True]
    assert found.crowd.tolist() == [2, 2, 2]
    assert found.covered.tolist() == [True, True, True, True]
    assert found.reached.tolist() == [True, True, True, False]
    far = neighbours.neighbourhoods(real, samples + 40, 1)
    assert not (far.inside.any() or far.covered.any() or far.crowd.any())


@pytest.mark.parametrize("block", [2**22, 50])
def test_against_all_distances(block, monkeypatch):
    """As the papers' own code does it, from whole matrices of distances."""
    monkeypatch.setattr(neighbours, "BLOCK", block)
    generator = np.random.default_rng(0)
    real, samples = generator.normal(size=(40, 3)), generator.normal(size=(25, 3)) + 0.7
    k = 3
    reach = np.sort(cdist(real, real), 1)[:, k]
    reach_of_samples = np.sort(cdist(samples, samples), 1)[:, k]
    apart = cdist(real, samples)
    found = neighbours.neighbourhoods(real, samples, k)
    held = apart < reach[:, None]
    np.testing.assert_array_equal(found.inside, held.any(0))
    np.testing.assert_array_equal(found.reached, (apart < reach_of_samples).any(1))
    assert found.crowd.mean() == pytest.approx(held.sum() / (k * 25))
    np.testing.assert_array_equal(found.covered, apart.min(1) < reach)
    expected, indices = NearestNeighbors(n_neighbors=4).fit(real).kneighbors(samples)
    squared, near = neighbours.nearest(samples, real, 4)
    np.testing.assert_allclose(np.sqrt(squared), expected, rtol=1e-9)
    np.testing.assert_array_equal(near, indices)


@pytest.mark.parametrize("block", [2**22, 50])
@pytest.mark.parametrize("shift", [0.0, 1.5])
def test_errors_are_those_of_samples_left_out_one_by_one(shift, block, monkeypatch):
    monkeypatch.setattr(neighbours, "BLOCK", block)
    generator = np.random.default_rng(1)
    real, samples = generator.normal(size=(60, 2)), generator.normal(size=(12, 2))
    samples[5:] += shift
    found = neighbours.neighbourhoods(real, samples, 2)
    left = [
        neighbours.neighbourhoods(real, np.delete(samples, row, 0), 2)
        for row in range(12)
    ]
    for name in ("reached", "covered"):
        means = [getattr(one, name).mean() for one in left]
        expected = np.sqrt(11 * np.var(means))
        assert expected > 0
        assert getattr(found, f"{name}_error") == pytest.approx(expected)
    assert np.isnan(neighbours.neighbourhoods(real, samples[:3], 2).reached_error)


@pytest.mark.parametrize(("reals", "count"), [(600, 100), (300, 300), (150, 600)])
def test_intervals_of_recall_and_coverage_hold_what_samples_drawn_anew_give(
    reals, count
):
    generator = np.random.default_rng(2)
    real = generator.normal(size=(reals, 4))
    drawn = [
        neighbours.neighbourhoods(real, 0.8 * generator.normal(size=(count, 4)), 3)
        for _ in range(200)
    ]
    for name in ("reached", "covered"):
        means = np.array([getattr(one, name).mean() for one in drawn])
        errors = np.array([getattr(one, f"{name}_error") for one in drawn])
        held = np.abs(means - means.mean()) < 1.96 * errors
        # Of 200 at 95 % fewer than 177 are held once in a thousand times.
        assert 177 <= held.sum()
        assert errors.mean() < 2 * means.std()


def test_too_few_examples():
    two = np.zeros((2, 3))
    with pytest.raises(InputError, match="k=3 nearest of 1 examples"):
        neighbours.neighbourhoods(two, two, 3)


def test_planted_copies_are_found():
    """Exactly those; copies of an example that is there twice by their authenticity."""
    generator = np.random.default_rng(0)
    train, samples, held_out = generator.normal(size=(3, 300, 16))
    samples[[3, 50]] = train[[7, 200]]
    samples[100] = train[9] + 0.01
    found = copying(samples, train)
    assert np.flatnonzero(found.copied).tolist() == [3, 50, 100]
    assert found.nearest[[3, 50, 100]].tolist() == [7, 200, 9]
    # A fresh example is as likely as not nearer than its neighbour's own neighbour, or less.
    assert not found.authentic[[3, 50, 100]].any()
    assert 0.3 < found.authentic.mean() < 0.9
    apart = copying(held_out, train).distance
    assert nearer_share(found.distance, apart) == pytest.approx(0.5, abs=0.06)
    copies = copying(train[:200] + 0.01, train)
    assert copies.copied.all() and not copies.authentic.any()
    assert nearer_share(copies.distance, apart) == 1.0
    train[8] = train[7]
    again = copying(samples, train)
    assert not again.copied[3] and not again.authentic[3]


def test_chance_to_be_nearer_by_hand():
    """Of the six pairs 1 < 2, 1 < 3, 3 = 3 (half), 4 > 2 and 4 > 3, 3 > 2: 2.5 of 6."""
    found = nearer_share(np.array([1.0, 3.0, 4.0]), np.array([2.0, 3.0]))
    assert found == pytest.approx(2.5 / 6)
