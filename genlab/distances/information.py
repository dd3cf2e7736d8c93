"""What codes tell of the factors that examples were made from, counted: a matrix, and two of its scores."""

from typing import NamedTuple

import numpy as np

from genlab.errors import InputError


class Coded(NamedTuple):
    """Examples as codes, beside the factors that they were made from.

    Attributes:
      codes: [N, Z] float64.
      factors: [N, F] int, the value of each factor.
    """

    codes: np.ndarray
    factors: np.ndarray


def factor_information(seen: Coded, *, bins: int = 20) -> np.ndarray:
    """Mutual information of every code with every factor: [Z, F], nats.

    By counting, with each code in bins of equal width from its least to its largest value; so it lies
    above the truth by about (bins - 1) (values - 1) / (2 N).

    Args:
      seen: N examples.
      bins: of a code, 2 or more.

    Raises:
      InputError: fewer than two bins.
    """
    if bins < 2:
        raise InputError(f"bins={bins} tell nothing of a code; take 2 or more")
    binned = _binned(seen.codes, bins)
    found = np.empty((binned.shape[1], seen.factors.shape[1]))
    for place, factor in enumerate(seen.factors.T):
        values = int(factor.max()) + 1
        for index, code in enumerate(binned.T):
            counts = np.bincount(code * values + factor, minlength=bins * values)
            found[index, place] = _information(counts.reshape(bins, values))
    return found


def factor_entropy(factors: np.ndarray) -> np.ndarray:
    """Entropy of every factor of `factors: [N, F]`: [F], nats."""
    return np.array([_entropy(np.bincount(factor)) for factor in factors.T])


def information_gap(information: np.ndarray, entropy: np.ndarray) -> float:
    """MIG: how much more the best code tells of a factor than the second best, of its entropy.

    The mean over factors of (I_1 - I_2) / H. An ideal code of continuous factors reaches the share
    of H that its bins hold, not 1.

    Args:
      information: [Z, F], nats.
      entropy: [F], nats; factors without any are left out.

    Paper: Chen et al. 2018, arXiv:1802.04942, section 4.1
    """
    gaps = gap_of_best(information, 0.0)[entropy > 0] / entropy[entropy > 0]
    return float(gaps.mean()) if gaps.size else 0.0


def modularity(information: np.ndarray) -> float:
    """Mean over codes of 1 - sum_{f != best} I_f^2 / (I_best^2 (F - 1)).

    1 where every code tells of one factor; 0 of a code that tells of all alike, or of none. Chance is
    far from 0, since the largest of several small numbers stands out.

    Args:
      information: [Z, F], nats, of two factors or more.

    Raises:
      InputError: one factor.

    Paper: Ridgeway & Mozer 2018, arXiv:1802.05312, equation 2
    """
    if information.shape[1] < 2:
        raise InputError("modularity is of two factors or more")
    squared = np.square(information)
    best = squared.max(axis=1)
    others = squared.sum(axis=1) - best
    known = best > 0
    spread = others[known] / (best[known] * (information.shape[1] - 1))
    return float((1 - spread).sum() / len(best))


def gap_of_best(scores: np.ndarray, alone: float) -> np.ndarray:
    """The largest less the second largest score of each column, [F] of `scores: [Z, F]`; of one code
    less `alone`."""
    ordered = np.sort(scores, axis=0)
    return ordered[-1] - (ordered[-2] if len(ordered) > 1 else alone)


def _binned(codes: np.ndarray, bins: int) -> np.ndarray:
    """[N, Z] int in [0, bins); a code that never changes is 0."""
    low = codes.min(axis=0)
    span = codes.max(axis=0) - low
    share = (codes - low) / np.where(span > 0, span, 1)
    return np.minimum((share * bins).astype(np.int64), bins - 1)


def _information(counts: np.ndarray) -> float:
    parts = counts.sum(axis=0), counts.sum(axis=1), counts.ravel()
    alone, other, both = (_entropy(part) for part in parts)
    return max(alone + other - both, 0.0)


def _entropy(counts: np.ndarray) -> float:
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum())
