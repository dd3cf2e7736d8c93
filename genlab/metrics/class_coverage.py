"""Class coverage: which classes of the data a generator makes, by an independent classifier."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from genlab.metrics.measurement import Measurement, means_of
from genlab.metrics.representation import CHOSEN_ON, check_grid, choice
from genlab.numbers import Count, Positive
from genlab.registry import metrics
from genlab.trained.needs import needs
from genlab.trained.trained import Trained


@metrics.register
@needs("classes", "sample")
def class_coverage(
    trained: Trained,
    split: str,
    *,
    num_samples: Count = 1000,
    num_train: Count = 10_000,
    C: Sequence[Positive] = (1.0, 10.0, 100.0, 1000.0),
) -> Measurement:
    """Share of the samples in each class, by a support vector machine fitted on real examples.

    The classifier (scikit-learn's SVC, RBF kernel, on raw pixels) is fitted on `num_train` examples
    spread evenly over the train split; its accuracy on as many of `split` is reported beside the
    shares. A class that is missing among the fitted examples can have no share.

    Args:
      trained: the model.
      split: where the examples come from that the classifier is tested on.
      num_samples: of the model.
      num_train: examples fitted on, and tested on.
      C: inverse strengths of the L2 penalty, above 0, from which one is chosen as for a probe, on
        training examples that are held out for it.

    Returns:
      `smallest_share`, `share_K` of each class and `classifier_accuracy`, in [0, 1].
    """
    check_grid(C=C)
    real = trained.examples("train", num_train)
    held_out = trained.examples(split, num_train)
    chosen, classifier = trained.once(
        ("class_coverage", num_train, tuple(C)), lambda: _fitted(real, C)
    )
    predicted = classifier.predict(_flat(trained.sample(num_samples)))
    classes = trained.data.num_classes
    shares = np.bincount(predicted, minlength=classes) / num_samples
    right = classifier.predict(_flat(held_out["x"])) == held_out["label"]
    scores = {"classifier_accuracy": right}
    scores |= {f"share_{label}": predicted == label for label in range(classes)}
    found, intervals = means_of(scores)
    values = {"smallest_share": float(shares.min()), **found}
    protocol = {
        "samples": num_samples,
        "classifier": "sklearn.svm.SVC on pixels",
        "chosen_from": list(C),
        "chosen": chosen,
        "chosen_at_an_end": len(C) > 2 and chosen in (C[0], C[-1]),
        "chosen_on": CHOSEN_ON,
        "fitted_on": len(real["x"]),
        "accuracy_on": f"{len(held_out['x'])} of {split}",
    }
    return Measurement(values, protocol, intervals)


class_coverage.check = lambda experiment, data, *, C, **knobs: check_grid(C=C)


def _fitted(real: dict[str, np.ndarray], C: Sequence[float]) -> tuple[float, Any]:
    """The strength that is chosen, and the classifier with it fitted on all real examples."""
    from sklearn.svm import SVC

    features, label = _flat(real["x"]), real["label"]
    build = lambda strength: SVC(C=strength)
    chosen = choice(build, C, features, label, standardize=False)
    return chosen, build(chosen).fit(features, label)


def _flat(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), -1)
