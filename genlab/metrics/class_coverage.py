"""Which classes of the data a generator makes, asked or unasked, by an independent classifier."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from genlab.metrics.measurement import Measurement, means_of
from genlab.metrics.representation import CHOSEN_ON, check_grid, choice
from genlab.numbers import Count, Positive
from genlab.registry import metrics
from genlab.trained.needs import needs
from genlab.trained.trained import Trained

STRENGTHS = (1.0, 10.0, 100.0, 1000.0)


@metrics.register
@needs("classes", "sample")
def class_coverage(
    trained: Trained,
    split: str,
    *,
    num_samples: Count = 1000,
    num_train: Count = 10_000,
    C: Sequence[Positive] = STRENGTHS,
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

    Raises:
      InputError: no strength to choose from, or more samples than memory holds.
    """
    classify, right, protocol = classifier(trained, split, num_train, C)
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
    C: Sequence[Positive] = STRENGTHS,
) -> Measurement:
    """Share of the samples of each class that are of it, by the classifier of `class_coverage`.

    Args:
      trained: the model.
      split: where the examples come from that the classifier is tested on.
      num_samples: of each class.
      num_train: as of `class_coverage`.
      C: as of `class_coverage`.

    Returns:
      `agreement` over all samples, `smallest` of the class that agrees least, and
      `classifier_accuracy`, in [0, 1].

    Raises:
      InputError: as `class_coverage`.
    """
    classify, right, protocol = classifier(trained, split, num_train, C)
    made = of_every_class(trained, num_samples)
    agrees = classify(made["x"]) == made["label"]
    scores = {"classifier_accuracy": right, "agreement": agrees}
    found, intervals = means_of(scores)
    of_each = agrees.reshape(-1, num_samples).mean(1)
    values = {"smallest": float(of_each.min()), **found}
    protocol = {"samples": f"{num_samples} of each class", **protocol}
    return Measurement(values, protocol, intervals)


@metrics.register
@needs("classes", "sample_classes")
def classifier_accuracy_score(
    trained: Trained,
    split: str,
    *,
    num_samples: Count = 100,
    C: Sequence[Positive] = STRENGTHS,
) -> Measurement:
    """Accuracy on real examples of a support vector machine that was fitted on samples alone.

    What samples lack that tells classes apart, the classifier lacks; beside it stands one that was
    fitted on as many real examples of every class, where there are as many.

    Args:
      trained: the model.
      split: real examples, all of them, that both classifiers are tested on.
      num_samples: of each class.
      C: as of `class_coverage`, chosen among the samples.

    Returns:
      `accuracy` and `accuracy_real`, in [0, 1].

    Raises:
      InputError: as `class_coverage`.

    Paper: Ravuri & Vinyals 2019, arXiv:1905.10887, with an SVM for the ResNet
    """
    check_grid(C=C)
    made = of_every_class(trained, num_samples)
    train = trained.examples("train", trained.data.splits["train"].size)
    rows = [
        np.flatnonzero(train["label"] == each)[:num_samples]
        for each in range(trained.data.num_classes)
    ]
    real = {name: train[name][np.concatenate(rows)] for name in ("x", "label")}
    tested = trained.examples(split, trained.data.splits[split].size)
    scores, chosen = {}, {}
    for name, source in {"accuracy": made, "accuracy_real": real}.items():
        chosen[name], fitted = _fitted(source, C)
        scores[name] = fitted.predict(_flat(tested["x"])) == tested["label"]
    values, intervals = means_of(scores)
    protocol = {
        "classifier": "sklearn.svm.SVC on pixels",
        "samples": f"{num_samples} of each class",
        "real": f"{len(real['x'])} of train",
        "tested_on": f"{len(tested['x'])} of {split}",
        "chosen_from": list(C),
        "chosen": chosen,
    }
    return Measurement(values, protocol, intervals)


def of_every_class(trained: Trained, num: int) -> dict[str, np.ndarray]:
    """`num` samples of each class, one class after the other, as `x` and `label`; all from latents of their own,
    since those that classes shared would make a sample of one tell of another's."""
    label = np.repeat(np.arange(trained.data.num_classes), num)
    return {"x": trained.sample(len(label), label), "label": label}


def check_strengths(
    experiment: Any, data: Any, *, C: Sequence[float], **knobs: Any
) -> None:
    """Raises InputError unless the strengths are such that one can be chosen from them."""
    check_grid(C=C)


class_coverage.check = class_agreement.check = check_strengths
classifier_accuracy_score.check = check_strengths


def classifier(
    trained: Trained, split: str, num_train: int, C: Sequence[float]
) -> tuple[Callable[[np.ndarray], np.ndarray], np.ndarray, dict[str, Any]]:
    """Examples to classes; whether it is right about each of a split; and its protocol."""
    check_grid(C=C)
    real = trained.examples("train", num_train)
    held_out = trained.examples(split, num_train)
    chosen, fitted = trained.once(
        ("class_coverage", num_train, tuple(C)), lambda: _fitted(real, C)
    )
    protocol = {
        "classifier": "sklearn.svm.SVC on pixels",
        "chosen_from": list(C),
        "chosen": chosen,
        "chosen_at_an_end": len(C) > 2 and chosen in (C[0], C[-1]),
        "chosen_on": CHOSEN_ON,
        "fitted_on": len(real["x"]),
        "accuracy_on": f"{len(held_out['x'])} of {split}",
    }
    classify = lambda x: fitted.predict(_flat(x))
    return classify, classify(held_out["x"]) == held_out["label"], protocol


def _fitted(real: dict[str, np.ndarray], C: Sequence[float]) -> tuple[float, Any]:
    """The strength that is chosen, and the classifier with it fitted on all real examples."""
    from sklearn.svm import SVC

    features, label = _flat(real["x"]), real["label"]
    build = lambda strength: SVC(C=strength)
    _, chosen = choice(build, C, {"none": features}, label)
    return chosen, build(chosen).fit(features, label)


def _flat(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), -1)
