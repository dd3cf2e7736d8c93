"""How samples of the embedded digits are measured."""

from typing import Any


def in_features_of_digits(num: int = 1000) -> tuple[dict[str, Any], ...]:
    """Metrics of `num` samples against the training digits, in a classifier that ships with genlab."""
    knobs = dict(features="digits_classifier", num=num)
    names = ("frechet", "precision_recall")
    return tuple(dict(name=name, **knobs) for name in names)
