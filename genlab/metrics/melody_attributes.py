"""Attributes of melodies, and what their directions in the latent space do to them."""

from collections.abc import Callable, Mapping

import numpy as np

from genlab.data.melody import PITCH
from genlab.metrics.measurement import Measurement, means_of
from genlab.metrics.representation import in_chunks
from genlab.numbers import Count
from genlab.registry import metrics
from genlab.trained.needs import needs
from genlab.trained.trained import Trained


def note_density(tokens: np.ndarray) -> np.ndarray:
    """Share of the steps at which a note begins, [N], of `tokens: [N, T]`, as all below."""
    return (tokens >= PITCH).mean(axis=1)


def mean_pitch(tokens: np.ndarray) -> np.ndarray:
    """Semitones of the mean note above the lowest pitch; 0 without a note."""
    begins = tokens >= PITCH
    total = np.where(begins, tokens - PITCH, 0).sum(axis=1)
    return total / np.maximum(begins.sum(axis=1), 1)


def average_interval(tokens: np.ndarray) -> np.ndarray:
    """Semitones between a note and the next, whatever the direction; 0 of fewer than two notes."""
    jumps = [np.abs(np.diff(row[row >= PITCH])) for row in tokens]
    return np.array([jump.mean() if len(jump) else 0.0 for jump in jumps])


def syncopation_8th(tokens: np.ndarray) -> np.ndarray:
    """Share of the eighths off a beat at which a note begins, and none on the beat before."""
    begins = tokens >= PITCH
    return (begins[:, 2::4] & ~begins[:, 0::4][:, : begins[:, 2::4].shape[1]]).mean(1)


def syncopation_16th(tokens: np.ndarray) -> np.ndarray:
    """Share of the sixteenths off an eighth at which a note begins, and none on the eighth before."""
    begins = tokens >= PITCH
    return (begins[:, 1::2] & ~begins[:, 0::2][:, : begins[:, 1::2].shape[1]]).mean(1)


ATTRIBUTES: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "note_density": note_density,
    "mean_pitch": mean_pitch,
    "average_interval": average_interval,
    "syncopation_8th": syncopation_8th,
    "syncopation_16th": syncopation_16th,
}


@metrics.register
@needs("melodies", "encode", "decode")
def melody_attributes(
    trained: Trained, split: str, *, num: Count = 500, num_train: Count = 4000
) -> Measurement:
    """What adding and taking away the vector of an attribute makes of the attribute.

    The vector is the mean code of the quarter of the training melodies that has the most of it less that
    of the quarter that has the least.

    Args:
      trained: the model.
      split: of the melodies whose codes are moved.
      num: melodies, evenly spread over the split.
      num_train: training melodies that the vectors are of.

    Returns:
      Of each attribute its mean in the decoded melodies, `NAME`, and with the vector added, `NAME_more`,
      and taken away, `NAME_less`.

    Raises:
      InputError: no `encode` and `decode`, or examples that are no melodies.

    Paper: Roberts et al. 2018, arXiv:1803.05428, section 5.4 and figure 4
    """
    vectors = attribute_vectors(trained, num_train)
    x = trained.examples(split, num)["x"]
    codes = in_chunks(trained, "encode", x)
    moved = {"": codes}
    for name, vector in vectors.items():
        moved |= {f"{name}_more": codes + vector, f"{name}_less": codes - vector}
    made = {
        name: in_chunks(trained, "decode", z).argmax(-1) for name, z in moved.items()
    }
    scores = {}
    for name, attribute in ATTRIBUTES.items():
        scores[name] = attribute(made[""])
        for way in ("more", "less"):
            scores[f"{name}_{way}"] = attribute(made[f"{name}_{way}"])
    values, intervals = means_of(scores)
    protocol = {
        "split": split,
        "melodies": len(x),
        "vectors": f"upper less lower quarter of {num_train:,} training melodies, or all",
    }
    return Measurement(values, protocol, intervals)


def attribute_vectors(trained: Trained, num_train: int) -> dict[str, np.ndarray]:
    """The vector of each of ATTRIBUTES, [Z]; zeros for one that all training melodies have alike."""
    x = trained.examples("train", num_train)["x"]
    codes, tokens = in_chunks(trained, "encode", x), x.argmax(-1)
    vectors = {}
    for name, attribute in ATTRIBUTES.items():
        values = attribute(tokens)
        low, high = np.quantile(values, (0.25, 0.75))
        # Where most have as little as the least, all that have more.
        most = values >= high if high > low else values > low
        gap = codes[most].sum(axis=0) / max(1, most.sum())
        vectors[name] = most.any() * (gap - codes[values <= low].mean(axis=0))
    return vectors
