"""Intervals hold what they are of as often as they say."""

import math

import numpy as np
import pytest
from scipy import stats

from genlab.errors import InputError
from genlab.statistics import (
    about,
    over_examples,
    paired,
    rank_test,
    summarize,
    trend,
    trimmed_mean,
)

SHARE = 0.95


def covered(summaries, truth=0.0) -> float:
    return np.mean([summary.low <= truth <= summary.high for summary in summaries])


def test_summary_against_hand_calculation():
    summary = summarize([1.0, 2.0, 4.0])
    np.testing.assert_allclose(summary.mean, 7 / 3)
    np.testing.assert_allclose(summary.standard_error, np.sqrt(7 / 3 / 3))
    reach = 4.302653 * np.sqrt(7 / 9)  # t of two degrees of freedom
    np.testing.assert_allclose(summary.low, 7 / 3 - reach, rtol=1e-6)
    np.testing.assert_allclose(summary.high, 7 / 3 + reach, rtol=1e-6)
    assert str(summary) == "2.333 (-1.461 to 6.128)"
    one = summarize([3.0])
    assert (one.low, one.high) == (-math.inf, math.inf) and str(one) == "3"
    with pytest.raises(InputError, match="finite values"):
        summarize([1.0, math.nan])


def test_values_that_all_agree_tell_nothing_of_their_spread():
    alike = summarize([0.1] * 3)
    assert (alike.low, alike.high, str(alike)) == (-math.inf, math.inf, "0.1")
    found = paired({0: 0.31, 1: 0.41}, {0: 0.1, 1: 0.2})  # but for rounding
    assert not found.resolved and str(found) == "+0.21, the same for 2 seeds"
    assert str(trend([[1, 2, 3]] * 2)).startswith("+1.00, p ")


@pytest.mark.parametrize("count", [2, 3, 5, 10])
def test_interval_of_few_values_covers_their_mean_as_often_as_it_says(count):
    """1,000 means of Gaussian values: four binomial standard errors are 2.8 %."""
    draws = np.random.default_rng(count).normal(size=(1000, count))
    assert covered(map(summarize, draws)) == pytest.approx(SHARE, abs=0.02)


@pytest.mark.parametrize(
    ("draws", "margin"),
    [(200, 0.03), pytest.param(4000, 0.02, marks=pytest.mark.full)],
)
def test_bootstrap_interval_covers_the_mean_as_often_as_it_says(draws, margin):
    values = np.random.default_rng(0).normal(size=(draws, 30))
    assert covered(map(summarize, values)) == pytest.approx(SHARE, abs=margin)


@pytest.mark.parametrize("count", [30, 300, 10_000])
def test_interval_of_a_share_covers_it_as_often_as_it_says(count):
    """Exact, of all outcomes; a mean over true shares, since a single one has few outcomes."""
    hits = np.unique(np.linspace(0, count, 2000).astype(int))
    if count < 2000:
        hits = np.arange(count + 1)
    ones = lambda hit: np.repeat([True, False], [hit, count - hit])
    ends = np.array([over_examples(ones(hit)) for hit in hits])
    share = np.linspace(0.01, 0.99, 197)[:, None]
    mass = stats.binom.pmf(hits[None], count, share)
    inside = (ends[None, :, 0] <= share) & (share <= ends[None, :, 1])
    found = np.sum(mass * inside, axis=1) / np.sum(mass, axis=1)
    assert found.mean() == pytest.approx(SHARE, abs=0.02)
    assert (
        over_examples(np.ones(count, bool))[0] < 1
    )  # no mistake seen is not none made


def test_interval_over_examples_by_hand():
    low, high = over_examples([1.0, 2.0, 4.0])
    assert (low + high) / 2 == pytest.approx(7 / 3)
    assert (high - low) / 2 == pytest.approx(4.302653 * np.sqrt(7 / 9))
    assert over_examples([1.0]) is None and over_examples([1.0, np.nan]) is None


def test_interval_of_a_trimmed_mean_covers_it_as_often_as_it_says():
    """Of Student's t with 2 degrees of freedom, whose trimmed mean is 0, 300 values 1,000 times."""
    draws = np.random.default_rng(0).standard_t(2, size=(1000, 300))
    ends = np.array([about(*trimmed_mean(draw, (0.01, 0.99))) for draw in draws])
    held = np.mean((ends[:, 0] < 0) & (0 < ends[:, 1]))
    assert held == pytest.approx(SHARE, abs=0.02)


def test_gains_without_a_loss_are_no_shares():
    # One example of 300 that only the first gets right resolves nothing.
    gain = np.zeros(300)
    gain[7] = 1
    low, high = over_examples(gain)
    assert low < 0 < high
    assert over_examples(np.zeros(300)) is None
    assert over_examples(np.full(300, -1.0)) is None
    assert over_examples(np.full(300, 0.3)) is None


def test_paired_differences_take_the_common_seeds():
    gap = paired({0: 1.0, 1: 2.1, 2: 3.0, 3: 9.0}, {2: 2.5, 1: 1.5, 0: 0.5})
    assert gap.summary.count == 3
    assert gap.summary.mean == pytest.approx(1.6 / 3)
    assert gap.resolved and "not resolved" not in str(gap)
    assert str(paired({0: 1.0, 1: 0.0}, {0: 0.0, 1: 1.0})).endswith(", not resolved")
    assert str(paired({0: 1.0}, {0: 0.5})) == "+0.5, one seed"
    assert not paired({0: 1.0}, {0: 0.5}).resolved
    assert paired({0: 1.0}, {1: 1.0}) is None


def test_rank_test_of_separated_seeds_by_counting():
    # 2 of the C(6, 3) = 20 orders are this extreme
    np.testing.assert_allclose(rank_test([1, 2, 3], [4, 5, 6]), 2 / 20)
    with pytest.raises(InputError, match="two seeds or more"):
        rank_test([1.0], [2.0, 3.0])


def test_interval_about_a_value():
    """t of 19 degrees of freedom is 2.093; nothing is known of an error that is 0 or of one number."""
    np.testing.assert_allclose(about(5.0, 2.0, 20), (5 - 4.186, 5 + 4.186), rtol=1e-4)
    assert about(5.0, 0.0, 20) is about(5.0, math.nan, 20) is about(5.0, 1.0, 1) is None


def test_trend_is_spearman_of_each_seed_and_page_over_them():
    from scipy.stats import page_trend_test, spearmanr

    rows = [[0.1, 0.3, 0.2, 0.5], [0.2, 0.1, 0.4, 0.6], [0.0, 0.2, 0.3, 0.9]]
    found = trend(rows)
    each = [spearmanr(row, [1, 2, 4, 8]).statistic for row in rows]
    assert found.summary.mean == pytest.approx(np.mean(each))
    assert found.summary.low == pytest.approx(summarize(each).low)
    # L is the sum of places times ranks, 30 at most of each seed.
    page = page_trend_test(rows)
    assert page.statistic == 29 + 29 + 30
    assert found.p_value == pytest.approx(2 * page.pvalue)
    falling = trend([row[::-1] for row in rows])
    assert falling.p_value == found.p_value
    assert falling.summary.mean == pytest.approx(-found.summary.mean)
    assert trend([[1.0, 1.0, 1.0]] * 2).summary.mean == 0
    for few in ([[0.0, 1.0]] * 2, [[0.0, 1.0, 2.0]]):
        with pytest.raises(InputError, match="two seeds or more over three values"):
            trend(few)
