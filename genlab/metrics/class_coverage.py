"""Class coverage: which classes of the data a generator makes, by an independent classifier."""

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
    from sklearn.svm import SVC

    real = trained.examples("train", num_train)
    held_out = trained.examples(split, num_train)
    classifier = SVC(C=10).fit(_flat(real["x"]), real["label"])
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
        "classifier": "sklearn.svm.SVC(C=10) on pixels, fixed beforehand",
        "fitted_on": len(real["x"]),
        "accuracy_on": f"{len(held_out['x'])} of {split}",
    }
    return Measurement(values, protocol, intervals)


def _flat(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), -1)
