"""Which classes of the data a generator makes, asked or unasked, by an independent classifier."""

from collections.abc import Callable
from typing import Any

import numpy as np

from genlab.metrics.measurement import Measurement, means_of
from genlab.numbers import Count
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
) -> Measurement:
    """Share of the samples in each class, by a support vector machine fitted on real examples.

    The classifier (scikit-learn's SVC, RBF kernel, C = 10, on raw pixels) is fitted on `num_train`
    examples spread evenly over the train split; its accuracy on as many of `split` is reported
    beside the shares. A class that is missing among the fitted examples can have no share.
    """
    classify, right, protocol = _classifier(trained, split, num_train)
    predicted = classify(trained.sample(num_samples))
    classes = trained.data.num_classes
    shares = np.bincount(predicted, minlength=classes) / num_samples
    scores = {"classifier_accuracy": right}
    scores |= {f"share_{label}": predicted == label for label in range(classes)}
    found, intervals = means_of(scores)
    values = {"smallest_share": float(shares.min()), **found}
    return Measurement(values, {"samples": num_samples, **protocol}, intervals)


@metrics.register
@needs("classes", "sample_classes")
def class_agreement(
    trained: Trained,
    split: str,
    *,
    num_samples: Count = 100,
    num_train: Count = 10_000,
) -> Measurement:
    """Share of the samples of each class that are of it, by the classifier of `class_coverage`.

    `num_samples` are drawn of each class; `agreement` is over all of them, `smallest` that of the
    class which agrees least.
    """
    classify, right, protocol = _classifier(trained, split, num_train)
    names = trained.data.class_names or range(trained.data.num_classes)
    agrees = [
        classify(trained.sample(num_samples, name)) == label
        for label, name in enumerate(names)
    ]
    scores = {"classifier_accuracy": right, "agreement": np.concatenate(agrees)}
    found, intervals = means_of(scores)
    values = {"smallest": min(float(one.mean()) for one in agrees), **found}
    protocol = {"samples": f"{num_samples} of each class", **protocol}
    return Measurement(values, protocol, intervals)


def _classifier(
    trained: Trained, split: str, num_train: int
) -> tuple[Callable[[np.ndarray], np.ndarray], np.ndarray, dict[str, Any]]:
    """Examples to classes; whether it is right about each of a split; and its protocol."""
    from sklearn.svm import SVC

    real = trained.examples("train", num_train)
    held_out = trained.examples(split, num_train)
    classifier = SVC(C=10).fit(_flat(real["x"]), real["label"])
    classify = lambda x: classifier.predict(_flat(x))
    protocol = {
        "classifier": "sklearn.svm.SVC(C=10) on pixels, fixed beforehand",
        "fitted_on": len(real["x"]),
        "accuracy_on": f"{len(held_out['x'])} of {split}",
    }
    return classify, classify(held_out["x"]) == held_out["label"], protocol


def _flat(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), -1)
