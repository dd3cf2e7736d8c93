"""How sure a classifier is of samples and how varied they are: Inception score, Vendi score."""

import numpy as np
from scipy import special

from genlab.errors import InputError

RESAMPLES = 200


def inception_scores(
    logits: np.ndarray, *, splits: int = 10, seed: int = 0
) -> np.ndarray:
    """exp(E KL(p(y|x) || p(y))) of each of `splits` equal parts, [splits], from 1 to the classes.

    Args:
      logits: [N, K] of a classifier, in float64 inside.
      splits: parts, into which the shuffled samples are cut; the rest of a division goes one each
        to the first.
      seed: of the order.

    Raises:
      InputError: fewer samples than parts.

    Paper: Salimans et al. 2016, arXiv:1606.03498
    """
    if len(logits) < splits:
        raise InputError(
            f"{len(logits)} samples cannot be cut into {splits} splits; ask for more samples"
        )
    order = np.random.default_rng(seed).permutation(len(logits))
    parts = np.array_split(_probabilities(logits)[order], splits)
    return np.array([_score(part) for part in parts])


def inception_score_error(logits: np.ndarray, seed: int = 0) -> float:
    """Standard deviation of the score of all of `logits: [N, K]` by the bootstrap over samples."""
    probabilities = _probabilities(logits)
    sure = -special.entr(probabilities).sum(1)
    scores = []
    for weights in _weights(len(logits), seed):
        mean = weights @ probabilities
        scores.append(np.exp(weights @ sure + special.entr(mean).sum()))
    return float(np.std(scores, ddof=1))


def vendi(features: np.ndarray, weights: np.ndarray | None = None) -> float:
    """exp(-sum_i l_i log l_i), l_i the eigenvalues of K / N, K the cosines of pairs; 1 to min(N, F).

    So many samples that have nothing in common would be as varied. The eigenvalues are those of the
    F x F matrix of the second moments of features of length 1, which are the same but for zeros.

    Args:
      features: [N, F], in float64 inside; one of length 0 has no direction and counts as one more
        that shares nothing.
      weights: [N] of the samples, which sum to 1; None weighs all alike.

    Paper: Friedman & Dieng 2023, arXiv:2210.02410
    """
    features = np.asarray(features, np.float64)
    if weights is None:
        weights = np.full(len(features), 1 / len(features))
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    unit = features / np.where(lengths > 0, lengths, 1)
    empty = weights[lengths[:, 0] == 0]
    scaled = unit * np.sqrt(weights)[:, None]
    smaller = scaled @ scaled.T if len(scaled) < scaled.shape[1] else scaled.T @ scaled
    values = np.concatenate([np.linalg.eigvalsh(smaller), [empty.sum()]])
    return float(np.exp(special.entr(np.maximum(values, 0)).sum()))


def vendi_error(features: np.ndarray, resamples: int = 20, seed: int = 0) -> float:
    """Standard deviation of the Vendi score of `features: [N, F]` by the bootstrap over samples."""
    weights = _weights(len(features), seed, resamples)
    return float(np.std([vendi(features, each) for each in weights], ddof=1))


def _weights(count: int, seed: int, resamples: int = RESAMPLES):
    """Shares that examples have in each resample, [count]."""
    generator = np.random.default_rng(seed)
    for _ in range(resamples):
        drawn = generator.integers(count, size=count)
        yield np.bincount(drawn, minlength=count) / count


def _probabilities(logits: np.ndarray) -> np.ndarray:
    return special.softmax(np.asarray(logits, np.float64), axis=1)


def _score(probabilities: np.ndarray) -> float:
    sure = special.entr(probabilities).sum(1).mean()
    return float(np.exp(special.entr(probabilities.mean(0)).sum() - sure))
