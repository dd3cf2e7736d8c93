"""-log p(x) of models with latents, by importance sampling from their approximate posterior."""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from genlab.data.dataset import Dataset
from genlab.game import rng
from genlab.game.experiment import Experiment
from genlab.game.turn import Draw
from genlab.metrics.measurement import Measurement, means_of
from genlab.numbers import Count
from genlab.objectives.likelihood import target_entropy
from genlab.process import memory
from genlab.registry import metrics, objectives
from genlab.statistics import standard_error
from genlab.trained.needs import needs
from genlab.trained.trained import Trained

LADDER = (1, 10, 50, 100, 500, 1000, 5000)
ABREAST = 100  # draws of an example at a time, at most


class Scores(NamedTuple):
    """What draws from q(z|x) say of N examples, in float64.

    Attributes:
      draws: K of each bound, ascending, the last all draws.
      nll: [N, len(draws)], -log of the mean weight of K draws; of fewer than all of them the mean over
        as many groups of K as there are.
      effective: [N], (sum w)^2 / sum w^2 of all draws.
      entropy: mean of what a Bernoulli cross-entropy with gray pixels cannot get below, nats.
    """

    draws: tuple[int, ...]
    nll: np.ndarray
    effective: np.ndarray
    entropy: float


@metrics.register
@needs("log_weights")
def importance_nll(
    trained: Trained,
    split: str,
    *,
    num: Count = 10_000,
    samples: Count = 5000,
    rows: Count = 2000,
) -> Measurement:
    """-log p(x) from above, -log 1/K sum_k p(x, z_k) / q(z_k|x) with z_k from q(z|x), and its K-curve.

    The bound falls towards -log p(x) as K grows; where `effective_samples` are few it is still far
    above. All values are of the same draws: that of a smaller K is the mean over as many groups of K as
    there are. Examples with a label are given theirs where the model takes one.

    Args:
      trained: the model.
      split: of the examples.
      num: examples, evenly spread over the split.
      samples: K.
      rows: draws that are decoded at a time, of all examples together; decides memory and speed, and which
        noise the draws, and dynamic binarisation, are of.

    Returns:
      Nats an example: `nll`, the bound of all K draws, and the curve `nll_K`, K of 1, 10, 50, ... up to
      `samples`; `example_error`, the standard error of `nll` over the examples, and
      `sampling_error`, that of the draws, by the variance of the weights; `effective_samples`, the mean of
      (sum w)^2 / sum w^2.

    Raises:
      InputError: a family without an approximate posterior, counts below 1, or rows that certainly do
        not fit into memory.

    Paper: Burda, Grosse & Salakhutdinov 2016, arXiv:1509.00519
    """
    found = importance_scores(trained, split, num, samples, rows)
    curve = {f"nll_{k}": found.nll[:, i] for i, k in enumerate(found.draws)}
    scores = {"nll": found.nll[:, -1], **curve}
    values, intervals = means_of(scores)
    values |= {
        "example_error": standard_error(found.nll[:, -1]),
        "sampling_error": _sampling_error(found.effective, samples),
        "effective_samples": float(found.effective.mean()),
    }
    protocol: dict[str, Any] = {
        "split": split,
        "examples": len(found.nll),
        "samples": samples,
        "rows": rows,
        "estimate": "importance sampling from q(z|x): a bound from above in expectation",
    }
    if trained.data.is_image:
        protocol["binarized"] = trained.preparation.binarize
    if found.entropy > 0:
        protocol["gray_pixels"] = (
            "a bound made of Bernoulli cross-entropies, which is of no -log p(x)"
        )
    return Measurement(values, protocol, intervals)


def importance_scores(
    trained: Trained, split: str, num: int, samples: int, rows: int
) -> Scores:
    """The bounds of `samples` draws and of fewer for each of `num` examples of a split."""
    _check(trained.experiment, trained.data, samples=samples, rows=rows)
    draws = ladder(samples)
    found = [
        (curve(part, draws), _effective(part))
        for part in _log_weights(trained, split, num, samples, rows)
    ]
    nll, effective = (np.concatenate(part) for part in zip(*found, strict=True))
    likelihood = objectives.choose(trained.experiment.likelihood)
    x = trained.examples(split, min(num, 100))["x"]
    entropy = target_entropy(likelihood, x).get("target_entropy", np.zeros(1))
    return Scores(draws, -nll, effective, float(np.mean(entropy)))


def ladder(samples: int) -> tuple[int, ...]:
    """The K below `samples` that divide one another and it, and itself: 1, 10, 50, 100, ..."""
    found = [1]
    for count in LADDER[1:]:
        if count < samples and not (count % found[-1] or samples % count):
            found.append(count)
    return (*found, samples) if samples > 1 else (1,)


def curve(log_weights: np.ndarray, draws: tuple[int, ...]) -> np.ndarray:
    """log of the mean weight of K draws, the mean over groups of K: [N, len(draws)] of
    `log_weights: [N, samples]`, in float64."""
    means, level, before = [], log_weights.astype(np.float64), 1
    for count in draws:
        groups = level.reshape(len(level), -1, count // before)
        level, before = _log_mean_exp(groups), count
        means.append(level.mean(axis=1))
    return np.stack(means, axis=1)


def _log_weights(
    trained: Trained, split: str, num: int, samples: int, rows: int
) -> Iterator[np.ndarray]:
    """log p(x, z) - log q(z|x) of `samples` draws, [n, samples], of so many examples at a time as make
    `rows` draws."""
    size, abreast, times = _sizes(samples, rows)

    def weigh(experiment, params, extra, batch, root, step):
        def some(_, index):
            draw = Draw(batch, rng.fold(root, index), step)
            return None, experiment.log_weights(params, extra, draw, abreast)

        _, found = jax.lax.scan(some, None, jnp.arange(times))
        return jnp.moveaxis(found, 0, 1).reshape(size, -1)[:, :samples]

    name = f"log weights of {size} x {samples}"
    compiled = trained.compile(name, weigh)
    model, step = (trained.params, trained.extra), np.int32(trained.step)
    for index, batch in enumerate(trained.examples_in_chunks(split, num, size)):
        count = len(batch["x"])
        whole = {name: _filled(leaf, size) for name, leaf in batch.items()}
        root = rng.stream(trained.seed, f"importance_nll/{split}", index)
        yield jax.device_get(compiled(*model, whole, root, step))[:count]


def _sizes(samples: int, rows: int) -> tuple[int, int, int]:
    """Examples at a time, draws of each at a time, and how often these are drawn."""
    abreast = min(samples, ABREAST, rows)
    return max(1, rows // abreast), abreast, -(-samples // abreast)


def _filled(leaf: np.ndarray, size: int) -> np.ndarray:
    """The rows of an array up to `size`, the last one over again where there are fewer."""
    return leaf[np.minimum(np.arange(size), len(leaf) - 1)]


def _log_mean_exp(values: np.ndarray) -> np.ndarray:
    most = values.max(axis=-1, keepdims=True)
    return np.log(np.exp(values - most).mean(axis=-1)) + most[..., 0]


def _effective(log_weights: np.ndarray) -> np.ndarray:
    """(sum w)^2 / sum w^2: [N] of `log_weights: [N, K]`."""
    log_weights = log_weights.astype(np.float64)
    weights = np.exp(log_weights - log_weights.max(axis=1, keepdims=True))
    return np.square(weights.sum(axis=1)) / np.square(weights).sum(axis=1)


def _sampling_error(effective: np.ndarray, samples: int) -> float:
    """Standard error that the draws leave in the mean of the log mean weights: that of a log mean
    weight is sqrt(1 / effective - 1 / K), by the delta method."""
    variances = np.maximum(1 / effective - 1 / samples, 0)
    return float(np.sqrt(variances.sum()) / len(variances))


def _check(
    experiment: Experiment, data: Dataset, *, samples: int, rows: int, **knobs: Any
) -> None:
    del experiment, knobs
    size, abreast, _ = _sizes(samples, rows)
    held = {
        f"rows={rows} decoded draws": 8
        * size
        * abreast
        * math.prod(data.example_shape),
        f"samples={samples} weights": 8 * size * samples,
    }
    memory.refuse_more_than(memory.of_device(), held)


importance_nll.check = _check
