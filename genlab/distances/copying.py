"""Which samples are copies of training examples."""

from dataclasses import dataclass

import numpy as np

from genlab.distances.neighbours import nearest, radii

RATIO = 1 / 3  # of the nearest distance to the second, below which a sample is a copy


@dataclass(frozen=True)
class Copying:
    """What the training examples nearest to each sample say of it.

    Attributes:
      nearest: index of the nearest training example, [N].
      distance: to it, [N], in the unit of the features.
      copied: whether it is far nearer than the second nearest, [N] bool: below RATIO of that.
      authentic: whether it is further than that example is from the other training examples, [N].
    """

    nearest: np.ndarray
    distance: np.ndarray
    copied: np.ndarray
    authentic: np.ndarray


def copying(samples: np.ndarray, train: np.ndarray) -> Copying:
    """Looks for copies of `train: [M, F]` among `samples: [N, F]`.

    A training example that is there twice hides its copies from `copied`, not from `authentic`.

    Raises:
      InputError: fewer than two training examples.

    Papers: Alaa et al. 2022, arXiv:2102.08921 (authenticity);
      Yoon et al. 2023, ICML workshop on structured probabilistic inference (the ratio)
    """
    squared, indices = nearest(samples, train, 2)
    first, second = np.sqrt(squared).T
    own = np.sqrt(radii(train, 1))[indices[:, 0]]
    return Copying(indices[:, 0], first, first < RATIO * second, first > own)


def nearer_share(samples: np.ndarray, held_out: np.ndarray) -> float:
    """The chance that a sample lies nearer to the training examples than a held-out example, [0, 1].

    1/2 for a model that generalises, towards 1 for one that copies.

    Args:
      samples: distances of samples to the nearest training example, [N].
      held_out: those of held-out examples, [M].

    Paper: Meehan, Chaudhuri & Dasgupta 2020, arXiv:2004.05675, its U statistic over N M
    """
    from scipy.stats import mannwhitneyu

    found = mannwhitneyu(held_out, samples, method="asymptotic").statistic
    return float(found / (len(samples) * len(held_out)))
