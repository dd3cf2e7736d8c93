"""Whether the codes of a generator are classes of the data, which training did not see."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from genlab.errors import InputError
from genlab.game import rng
from genlab.metrics.class_coverage import STRENGTHS, check_strengths, classifier
from genlab.metrics.measurement import Measurement, means_of
from genlab.numbers import Count, Positive, Whole
from genlab.registry import metrics
from genlab.trained.needs import needs
from genlab.trained.trained import Trained


@metrics.register
@needs("classes", "recognize", "sample_codes")
def code_agreement(
    trained: Trained,
    split: str,
    *,
    code: Whole = 0,
    num: Count = 10_000,
    num_samples: Count = 100,
    num_train: Count = 10_000,
    C: Sequence[Positive] = STRENGTHS,
) -> Measurement:
    """Agreement of a categorical code with the true class, after matching, as of InfoGAN.

    Each category is matched with one class at most, and each class with one category, so that on
    examples of train the discriminator's category and the true class agree most often (the Hungarian
    algorithm); with this matching are judged the category that the discriminator finds in examples of
    `split`, and the class of samples of each category, by the classifier of `class_coverage`.

    Args:
      trained: the model.
      split: where the examples come from that are judged.
      code: which of the categorical codes.
      num: examples matched on, and judged.
      num_samples: of each category.
      num_train: as of `class_coverage`.
      C: as of `class_coverage`.

    Returns:
      `recognized`, of examples, `agreement`, of samples, and `classifier_accuracy`, in [0, 1];
      `chance` is one over the number of classes.

    Raises:
      InputError: the model has no such code.

    Paper: Chen et al. 2016, arXiv:1606.03657
    """
    _check(trained.experiment, trained.data, code=code, C=C)
    codes, classes = trained.experiment.codes, trained.data.num_classes

    def found(examples: dict[str, np.ndarray]) -> np.ndarray:
        chunks = np.array_split(examples["x"], -(-len(examples["x"]) // 256))
        told = np.concatenate([trained.call("recognize", chunk) for chunk in chunks])
        return codes.split(told).categories[code].argmax(axis=1)

    fitted, held_out = trained.examples("train", num), trained.examples(split, num)
    count = codes.categorical[code]
    match = matching(found(fitted), fitted["label"], count, classes)
    classify, right, protocol = classifier(trained, split, num_train, C)
    shown = np.repeat(np.arange(count), num_samples)
    samples = classify(_samples(trained, code, shown))
    scores = {
        "recognized": match[found(held_out)] == held_out["label"],
        "agreement": match[shown] == samples,
        "classifier_accuracy": right,
    }
    values, intervals = means_of(scores)
    protocol = {
        "matched_on": f"{len(fitted['x'])} of train",
        "matching": match.tolist(),
        "samples": f"{num_samples} of each of {count} categories",
        **protocol,
    }
    return Measurement({**values, "chance": 1 / classes}, protocol, intervals)


def matching(
    category: np.ndarray, label: np.ndarray, categories: int, classes: int
) -> np.ndarray:
    """The class of each category, [categories], by which they agree most often; -1 where none is left.

    Args:
      category: [N] int in [0, categories).
      label: [N] int in [0, classes).
      categories: how many.
      classes: how many.
    """
    from scipy.optimize import linear_sum_assignment

    together = np.zeros((categories, classes), np.int64)
    np.add.at(together, (category, label), 1)
    rows, columns = linear_sum_assignment(together, maximize=True)
    match = np.full(categories, -1)
    match[rows] = columns
    return match


def _samples(trained: Trained, code: int, category: np.ndarray) -> np.ndarray:
    """A sample of each `category: [N]` of a code, the other codes drawn: [N, ...]."""
    codes, key = trained.experiment.codes, rng.stream(trained.seed, "code_agreement")
    drawn = np.array(codes.draw(rng.fold(key, "codes"), len(category)))
    start = sum(codes.categorical[:code])
    width = codes.categorical[code]
    drawn[:, start : start + width] = np.eye(width)[category]
    return trained.call("sample_codes", drawn, key)


def _check(
    experiment: Any, data: Any, *, code: int, C: Sequence[float], **knobs: Any
) -> None:
    check_strengths(experiment, data, C=C)
    if code >= len(experiment.codes.categorical):
        raise InputError(
            f"metric 'code_agreement' is of categorical code {code}, and the model has"
            f" {len(experiment.codes.categorical)}; give the experiment one, categorical=(10,)"
        )


code_agreement.check = _check
