"""Whether a model tells examples of a class that it has never seen."""

import numpy as np

from genlab.data.dataset import Dataset
from genlab.data.split import Split
from genlab.errors import InputError
from genlab.metrics.measurement import Measurement
from genlab.metrics.representation import in_chunks
from genlab.numbers import Count
from genlab.registry import metrics
from genlab.trained.needs import needs
from genlab.trained.trained import Trained

CHUNK = 1000  # raw examples read at a time


@metrics.register
@needs("labels", "reconstruct")
def anomaly_detection(
    trained: Trained, split: str, *, num: Count = 10_000
) -> Measurement:
    """ROC-AUC of the reconstruction error for examples of a class that training has not seen.

    The anomalies are the examples of the split whose class does not occur in the train split; all
    labels of that are read, so that a model that has seen every class is refused. The score is
    ||x - g(f(x))||^2. The area is the probability that an anomaly's error is above that of an
    example of a known class, ties counted half.

    Args:
      trained: the model.
      split: where the examples come from.
      num: examples, an even spread over the split.

    Returns:
      `roc_auc` in [0, 1], 0.5 by chance; mean squared errors `error_known` and `error_unseen`.

    Raises:
      InputError: no `reconstruct`, no labels, or not both known and unseen classes in the split.

    Paper: Sakurada & Yairi 2014, Anomaly Detection Using Autoencoders, MLSDA
    """
    from sklearn.metrics import roc_auc_score

    batch = trained.examples(split, num)
    unseen = unseen_in(trained, batch["label"], split, "anomaly_detection")
    gap = batch["x"] - in_chunks(trained, "reconstruct", batch["x"])
    errors = np.sum(np.square(gap.reshape(len(gap), -1), dtype=np.float64), axis=1)
    values = {
        "roc_auc": float(roc_auc_score(unseen, errors)),
        "error_known": float(errors[~unseen].mean()),
        "error_unseen": float(errors[unseen].mean()),
    }
    protocol = {
        "split": split,
        "score": "squared reconstruction error",
        "unseen_classes": np.unique(batch["label"][unseen]).tolist(),
        "unseen": int(unseen.sum()),
        "known": int((~unseen).sum()),
    }
    return Measurement(values, protocol)


def unseen_in(
    trained: Trained, label: np.ndarray, split: str, metric: str
) -> np.ndarray:
    """Which of the labels of examples do not occur in the train split: [N] bool.

    Raises:
      InputError: all of them, or none.
    """
    unseen = ~np.isin(label, classes_of(trained.data.splits["train"]))
    if unseen.all() or not unseen.any():
        which = "no class" if unseen.all() else "every class"
        raise InputError(
            f"metric {metric!r} needs a split with classes that training has seen and"
            f" one that it has not; {which} of the {len(unseen)} examples of {split!r} is in"
            " the train split: leave one out with data.without_labels"
        )
    return unseen


def refuse_all_seen(metric: str, data: Dataset) -> None:
    """Raises InputError where the train split has every class."""
    if len(classes_of(data.splits["train"])) == data.num_classes:
        raise InputError(
            f"metric {metric!r} needs a class that training does not see, and the train"
            f" split of {data.name!r} has all {data.num_classes}: leave one out with"
            " data.without_labels"
        )


anomaly_detection.check = lambda experiment, data, **knobs: refuse_all_seen(
    "anomaly_detection", data
)


def classes_of(split: Split) -> np.ndarray:
    """Every class that occurs among the examples of a split, in ascending order: [K] int."""
    found = [
        np.unique(
            split.gather(np.arange(start, min(start + CHUNK, split.size)))["label"]
        )
        for start in range(0, split.size, CHUNK)
    ]
    return np.unique(np.concatenate(found))
