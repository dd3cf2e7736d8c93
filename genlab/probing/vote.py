"""Classification by the nearest training examples in the angle of their features."""

from typing import Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

CHUNK = 1000  # examples compared at a time


class CosineVote(ClassifierMixin, BaseEstimator):
    """A vote of the k training examples with the largest cosine, with one vote each or with exp(cosine / t).

    Of fewer training examples than k all vote. Of equal votes the class that comes first is taken.

    Args:
      k: how many vote.
      temperature: t, 0.1 in the protocol of Wu et al. with k 200; None gives each one vote.

    Paper: Wu et al. 2018, arXiv:1805.01978
    """

    def __init__(self, k: int, temperature: float | None = None):
        self.k, self.temperature = k, temperature

    def fit(self, features: np.ndarray, label: np.ndarray) -> Self:
        """Keeps `features: [N, F]` and `label: [N]`."""
        self.classes_, self._label = np.unique(label, return_inverse=True)
        self._features = _directions(features)
        return self

    def predict(self, features: np.ndarray) -> np.ndarray:
        """The class of each of `features: [M, F]`: [M]."""
        found = [
            self._voted(features[start : start + CHUNK])
            for start in range(0, len(features), CHUNK)
        ]
        return self.classes_[np.concatenate(found)]

    def _voted(self, features: np.ndarray) -> np.ndarray:
        cosine = _directions(features) @ self._features.T
        k = min(self.k, len(self._features))
        near = np.argpartition(-cosine, k - 1, axis=1)[:, :k]
        weights = np.ones(near.shape)
        if self.temperature is not None:
            weights = np.exp(np.take_along_axis(cosine, near, 1) / self.temperature)
        votes = np.zeros((len(features), len(self.classes_)))
        np.add.at(
            votes, (np.arange(len(features))[:, None], self._label[near]), weights
        )
        return votes.argmax(axis=1)


def _directions(features: np.ndarray) -> np.ndarray:
    """Rows of length one; a row of zeros stays."""
    features = np.asarray(features, np.float32)
    length = np.linalg.norm(features, axis=1, keepdims=True)
    return features / np.maximum(length, np.finfo(np.float32).tiny)
