"""Evaluation of a trained model: its metrics on a split, and its pictures."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from genlab.data.dataset import Dataset
from genlab.errors import InputError, is_out_of_memory, suggest
from genlab.experiment import Experiment
from genlab.metrics.measurement import Measurement
from genlab.registry import Registry, metrics, plots
from genlab.trained import Trained


def measure(
    trained: Trained, split: str, chosen: Iterable[Any], batch_size: int
) -> dict[str, Measurement]:
    """Each chosen metric by name, and `held_out` wherever the family measures something.

    An empty split falls back: validation to test, test to validation, both to train; the
    protocol says which it was.

    Args:
      trained: the model.
      split: what is measured on.
      chosen: names of metrics, or parts.
      batch_size: examples taken together.

    Raises:
      InputError: an unknown split, or a metric that the model or its data cannot serve.
    """
    split, trained = existing_split(trained, split), trained.in_batches_of(batch_size)
    results = {}
    if trained.has("measure"):
        held_out = metrics.build("held_out", batch_size=batch_size)
        results["held_out"] = held_out(trained, split)
    for choice in chosen:
        name = choice if isinstance(choice, str) else choice["name"]
        results[name] = _asked(metrics, choice, trained, split)
        if not isinstance(results[name], Measurement):
            raise InputError(
                f"metric {name!r} gives {type(results[name]).__name__!r}, not a Measurement"
            )
    return results


def check(
    experiment: Experiment, data: Dataset, registry: Registry, chosen: Iterable[Any]
) -> None:
    """Whether chosen metrics or plots can serve a model and its data, before it is trained.

    A metric or plot may say so itself: a function `check(experiment, data, **knobs)`, set as its
    attribute, that raises InputError where it cannot.
    """
    for choice in chosen:
        knobs = {"name": choice} if isinstance(choice, str) else dict(choice)
        name = knobs.pop("name")
        refuse = getattr(registry.find(name), "check", None)
        if refuse is not None:
            refuse(experiment, data, **{**registry.knobs(name), **knobs})


def existing_split(trained: Trained, split: str) -> str:
    """The split itself, or the one that stands in for it where it is empty."""
    splits = trained.data.splits
    if split not in splits:
        raise InputError(f"no split {split!r}{suggest(split, splits)}")
    order = (
        split,
        *(name for name in ("test", "validation", "train") if name != split),
    )
    return next(name for name in order if splits[name].size)


def values_of(results: dict[str, Measurement]) -> dict[str, float]:
    """One flat dict; values of `held_out` by their own name, the others under their metric's."""
    return {
        value_name if metric == "held_out" else f"{metric}/{value_name}": value
        for metric, measurement in results.items()
        for value_name, value in measurement.values.items()
    }


def draw(trained: Trained, chosen: Iterable[Any]) -> dict[str, np.ndarray]:
    """Each chosen plot by name, `[H, W, 3]` uint8."""
    pictures = {}
    for choice in chosen:
        name = choice if isinstance(choice, str) else choice["name"]
        pictures[name] = picture = _asked(plots, choice, trained)
        if np.ndim(picture) != 3 or getattr(picture, "dtype", None) != np.uint8:
            raise InputError(f"plot {name!r} gives no picture, [H, W, 3] uint8")
    return pictures


def _asked(registry: Registry, choice: str | Mapping[str, Any], *of: Any) -> Any:
    """What a metric or a plot answers; where it is the user's own, what it raises is about it."""
    part = registry.choose(choice)
    name = choice if isinstance(choice, str) else choice["name"]
    try:
        return part(*of)
    except InputError:
        raise
    except Exception as error:
        if ":" not in name or is_out_of_memory(error):
            raise
        reason = f"{type(error).__name__}: {error}"
        raise InputError(
            f"{registry.kind} {name!r} fails ({reason}); --verbose shows where"
        ) from error


def save_pictures(trained: Trained, chosen: Iterable[Any], folder: Path) -> list[Path]:
    """Writes each chosen plot as `PLOT-STEP.png` and returns the paths."""
    from genlab.plots.grid import enlarge, save_png

    paths = []
    for name, picture in draw(trained, chosen).items():
        path = folder / f"{name.replace(':', '-')}-{trained.step:08d}.png"
        save_png(path, enlarge(picture))
        paths.append(path)
    return paths
