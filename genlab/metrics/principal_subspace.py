"""Whether a linear autoencoder has become principal component analysis."""

import math
from typing import Any

import numpy as np

from genlab.data.dataset import Dataset
from genlab.errors import InputError
from genlab.game.experiment import Experiment
from genlab.geometry.model import jacobian_of
from genlab.metrics.measurement import Measurement
from genlab.metrics.representation import in_chunks
from genlab.numbers import Count
from genlab.registry import metrics
from genlab.trained.needs import needs, shapes_of
from genlab.trained.trained import Trained


@metrics.register
@needs("encode", "decode", "reconstruct")
def principal_subspace(
    trained: Trained, split: str, *, num_train: Count = 10_000, num: Count = 10_000
) -> Measurement:
    """Largest angle between decoder and principal subspace, and the error relative to PCA's.

    The decoder's span is that of its Jacobian at the mean code, which for a linear decoder is the
    span anywhere. At the optimum of a linear autoencoder the angle is 0 and the ratio is 1; a span
    of fewer directions than the code has numbers misses one, at 90 degrees.

    Args:
      trained: the model.
      split: where the reconstructed examples come from.
      num_train: examples that the principal components are of, an even spread over the train split.
      num: examples reconstructed, an even spread over the split.

    Returns:
      `largest_angle` in [0, 90] degrees, `relative_error` (squared error of the model by that of
      PCA with as many components, on the split).

    Raises:
      InputError: no `encode`, `decode` or `reconstruct`, or codes too long for their examples.

    Paper: Baldi & Hornik 1989, Neural Networks and Principal Component Analysis
    """
    from sklearn.decomposition import PCA

    train = trained.examples("train", num_train)["x"]
    x = trained.examples(split, num)["x"]
    codes = in_chunks(trained, "encode", train)
    size = codes[0].size
    _check_size(size, min(len(train), train[0].size))
    pca = PCA(size, svd_solver="full").fit(_flat(train))
    columns = jacobian_of(trained, "decode", codes.mean(axis=0, keepdims=True))[0]
    own = _flat(x - in_chunks(trained, "reconstruct", x))
    flat = _flat(x)
    best = flat - pca.inverse_transform(pca.transform(flat))
    values = {
        "largest_angle": largest_angle(columns, pca.components_.T),
        "relative_error": float(np.sum(own**2) / np.sum(best**2)),
    }
    protocol = {
        "split": split,
        "components": size,
        "fitted_on": len(train),
        "reconstructed": len(x),
        "decoder": "Jacobian at the mean code",
    }
    return Measurement(values, protocol)


def _check(
    experiment: Experiment, data: Dataset, *, num_train: int, **knobs: Any
) -> None:
    del knobs
    size = math.prod(shapes_of(experiment, data, "encode").shape[1:])
    fitted = min(num_train, data.splits["train"].size)
    _check_size(size, min(fitted, math.prod(data.example_shape)))


def _check_size(size: int, most: int) -> None:
    if size >= most:
        raise InputError(
            f"metric 'principal_subspace' needs codes of fewer than {most} numbers (the lesser of"
            f" the examples fitted on and the numbers of one); this model's have {size}"
        )


principal_subspace.check = _check


def largest_angle(columns: np.ndarray, target: np.ndarray) -> float:
    """The largest angle, in degrees, between a direction of `target`'s span and `columns`' span.

    Args:
      columns: [D, K].
      target: [D, L].

    Returns:
      In [0, 90]; 90 where `columns` span fewer directions than `target`.
    """
    from scipy.linalg import orth, subspace_angles

    spans = [orth(part.astype(np.float64)) for part in (columns, target)]
    if spans[0].shape[1] < spans[1].shape[1]:
        return 90.0
    return float(np.degrees(subspace_angles(*spans).max()))


def _flat(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), -1).astype(np.float64)
