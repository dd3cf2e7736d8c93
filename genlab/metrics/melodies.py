"""How well melodies come back, beside what needs no model: the nearest one of the training songs."""

from collections.abc import Iterator

import numpy as np

from genlab.data.melody import PITCH
from genlab.metrics.measurement import Measurement, means_of
from genlab.metrics.representation import in_chunks
from genlab.numbers import Count
from genlab.registry import metrics
from genlab.trained.needs import needs
from genlab.trained.trained import Trained

TRAIN_CHUNK = 4096  # training melodies compared at a time


@metrics.register
@needs("melodies", "reconstruct")
def melody_accuracy(trained: Trained, split: str, *, num: Count = 1000) -> Measurement:
    """Share of the tokens of melodies that come back, and of those that begin a note.

    `teacher_forced` predicts every token after the true ones before it, `free_running` after its own.
    Neither needs to be good to be high: most tokens hold a note. So beside them is what knows no
    model: `nearest_neighbour`, the melody of all training examples that shares the most tokens with
    the one that is asked for, and `constant`, the most frequent token of each step.

    Args:
      trained: the model.
      split: of the melodies.
      num: melodies, evenly spread over the split.

    Returns:
      Of each the share of all tokens, and, by `..._onsets`, of the tokens that begin a note, of which
      melodies without one count as 1; of a family without `predict` nothing teacher-forced. And
      `above_nearest`, the free-running share less the nearest neighbour's, with the interval of the
      difference. Intervals are over melodies as if each was drawn alone; those of one song overlap.

    Raises:
      InputError: no `reconstruct`, or examples that are no melodies.

    Paper: the two accuracies: Roberts et al. 2018, arXiv:1803.05428, section 5.2
    """
    x = trained.examples(split, num)["x"]
    true = x.argmax(-1)
    ways = {"teacher_forced": "predict", "free_running": "reconstruct"}
    made = {
        name: in_chunks(trained, method, x).argmax(-1)
        for name, method in ways.items()
        if trained.has(method)
    }
    without_model = lambda: dict(
        zip(("nearest_neighbour", "constant"), baselines(trained, x), strict=True)
    )
    made |= trained.once(("melody_accuracy", split, num), without_model)
    same = {name: tokens == true for name, tokens in made.items()}
    shares = {name: found.mean(axis=1) for name, found in same.items()}
    gap = shares["free_running"] - shares["nearest_neighbour"]
    first = ("free_running", "nearest_neighbour")
    scores = {
        **{name: shares[name] for name in first},
        "above_nearest": gap,
        **shares,
        **{f"{name}_onsets": _of_onsets(found, true) for name, found in same.items()},
    }
    values, intervals = means_of(scores)
    protocol = {
        "split": split,
        "melodies": len(x),
        "nearest_of": f"{trained.data.splits['train'].size:,} training melodies as they are stored",
        "tokens": "the likeliest, at the mean of the posterior",
    }
    return Measurement(values, protocol, intervals)


def baselines(trained: Trained, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The training melody nearest to each of `x: [N, T, V]` by Hamming distance, and the most frequent
    token of each step, tokens [N, T] each; the first of several that are as near."""
    flat = x.reshape(len(x), -1).astype(np.float32)
    best, nearest = np.full(len(x), -1.0), np.zeros(x.shape[:2], np.int64)
    counts = np.zeros(x.shape[1:])
    for one_hot in _of_train(trained):
        counts += one_hot.sum(axis=0)
        shared = flat @ one_hot.reshape(len(one_hot), -1).T
        found = shared.argmax(axis=1)
        most = shared[np.arange(len(x)), found]
        nearer = most > best
        best[nearer] = most[nearer]
        nearest[nearer] = one_hot[found[nearer]].argmax(-1)
    return nearest, np.broadcast_to(counts.argmax(-1), nearest.shape)


def _of_train(trained: Trained) -> Iterator[np.ndarray]:
    split = trained.data.splits["train"]
    for first in range(0, split.size, TRAIN_CHUNK):
        rows = np.arange(first, min(first + TRAIN_CHUNK, split.size))
        yield (split.gather(rows)["x"] > 0).astype(np.float32)


def _of_onsets(same: np.ndarray, true: np.ndarray) -> np.ndarray:
    """The share of `same: [N, T]` where a note begins in `true: [N, T]`, [N]."""
    begins = true >= PITCH
    count = begins.sum(axis=1)
    return np.where(count, (same & begins).sum(axis=1) / np.maximum(count, 1), 1.0)
