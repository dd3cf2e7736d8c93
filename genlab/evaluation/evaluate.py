"""Evaluation of a trained model: its metrics on a split, and its pictures.

A metric or a plot that fails, though nothing spoke against it before training, costs nothing but
itself: the others are measured and drawn, and `Failures` says what was wrong.
"""

import dataclasses
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from genlab.data.dataset import Dataset
from genlab.data.facts import ExamplesAbsent
from genlab.errors import (
    InputError,
    PartFailed,
    is_of_devices,
    is_out_of_memory,
    suggest,
)
from genlab.game.experiment import Experiment
from genlab.metrics.measurement import HELD_OUT, Measurement
from genlab.plots.picture import Picture
from genlab.process import display, peers
from genlab.registry import Registry, metrics, plots
from genlab.trained.needs import check_part
from genlab.trained.trained import Trained

Failures = dict[str, str]  # metric or plot -> why it failed

_DOING = {"metric": "measuring", "plot": "drawing"}

_log = logging.getLogger("genlab")


def measure(
    trained: Trained,
    split: str,
    chosen: Iterable[Any],
    batch_size: int,
    failures: Failures | None = None,
    known: Mapping[str, Any] | None = None,
) -> dict[str, Measurement]:
    """Each chosen metric by name, and `held_out` wherever the family measures something.

    An empty split falls back, see `existing_split`; protocols say which it was. They name the classes
    of the data that a metric saw no example of, and the training examples where they were chosen.

    Args:
      trained: the model.
      split: what is measured on.
      chosen: names of metrics, or parts.
      batch_size: examples taken together.
      failures: takes up what fails; without it the first failure is raised.
      known: recorded metrics of the same model; `held_out` among them, of this split, is not measured
        again unless it is chosen.

    Raises:
      InputError: an unknown split, or a metric that the model or its data cannot serve.
    """
    split = existing_split(trained.data, split)
    trained = trained.in_batches_of(batch_size)
    results, chosen = {}, list(chosen)
    asked = any(_name_of(choice) == HELD_OUT for choice in chosen)
    if trained.has("measure") and not asked and not _is_known(known, split):
        chosen = [{"name": HELD_OUT, "batch_size": batch_size}, *chosen]
    for name, metric in _built(metrics, chosen):
        trained.missed_classes()  # of what came before
        ask = lambda n=name, m=metric: _measurement(n, m(trained, split))
        found = _tried("metric", name, ask, failures)
        if found is not None:
            results[name] = _with_examples(name, found, trained)
    return results


def _with_examples(name: str, found: Measurement, trained: Trained) -> Measurement:
    """The measurement, its protocol with what there is to say about the examples behind it."""
    protocol = {**found.protocol, **trained.data.splits["train"].protocol}
    if missed := trained.missed_classes():
        protocol["classes_missed"] = missed
        told = "; ".join(f"{', '.join(m)} of {split}" for split, m in missed.items())
        message = "metric %r saw no example of class %s"
        trained.once((message, name, told), lambda: _log.warning(message, name, told))
    return dataclasses.replace(found, protocol=protocol)


def _measurement(name: str, found: Any) -> Measurement:
    if not isinstance(found, Measurement):
        raise InputError(
            f"metric {name!r} gives {type(found).__name__!r}, not a Measurement of values and"
            " protocol"
        )
    return found


def _picture(name: str, found: Any) -> Picture:
    shape, dtype = getattr(found, "shape", ()), getattr(found, "dtype", None)
    if dtype != np.uint8 or len(shape) != 3 or shape[2] != 3:
        what = f"{dtype}{list(shape)}" if dtype else f"a {type(found).__name__}"
        raise InputError(f"plot {name!r} gives {what}, not a picture: uint8 [H, W, 3]")
    return Picture.of(found)


def _built(registry: Registry, chosen: Iterable[Any]) -> Iterable[tuple[str, Callable]]:
    for choice in chosen:
        yield _name_of(choice), registry.choose(choice)


def _name_of(choice: Any) -> str:
    return choice if isinstance(choice, str) else choice["name"]


def _is_known(known: Mapping[str, Any] | None, split: str) -> bool:
    """Whether `held_out` of a split is among recorded metrics."""
    held_out = (known or {}).get(HELD_OUT)
    return held_out is not None and held_out["protocol"].get("split") == split


def _tried(
    kind: str, name: str, ask: Callable[[], Any], failures: Failures | None
) -> Any:
    """What is asked for; None where it failed and the failure was taken up."""
    try:
        with display.doing(f"{_DOING[kind]} {name}"):
            return ask()
    except Exception as error:
        known = isinstance(error, InputError)
        own = ":" in name  # a part of the user's: what it raises is about it
        is_shared = peers.count() > 1 and is_of_devices(error)  # others wait in it
        if (
            is_out_of_memory(error)
            or is_shared
            or (failures is None and (known or not own))
        ):
            raise
        reason = str(error).strip().partition("\n")[0]
        reason = reason if known else f"{type(error).__name__}: {reason}"
        if failures is None:
            told = f"{kind} {name!r} fails ({reason}); --verbose shows where"
            raise InputError(told) from error
        if name not in failures:
            _log.warning("%s failed: %s", name, reason, exc_info=not known)
        failures[name] = reason
        return None


def check(
    experiment: Experiment, data: Dataset, registry: Registry, chosen: Iterable[Any]
) -> None:
    """Whether chosen metrics or plots can serve a model and its data, before it is trained.

    Raises:
      InputError: the first that cannot, see `check_part`; one that names an unknown or empty split.
    """
    for choice in chosen:
        knobs = {"name": choice} if isinstance(choice, str) else dict(choice)
        name = knobs.pop("name")
        knobs = {**registry.knobs(name), **knobs}
        for knob in ("split", "reference"):
            if (split := knobs.get(knob)) is None:
                continue
            if split not in data.splits or not data.splits[split].size:
                filled = [name for name, part in data.splits.items() if part.size]
                raise InputError(
                    f"{name!r}: {knob}={split!r} is no split with examples{suggest(split, filled)}"
                )
        check_part(name, registry.find(name), knobs, experiment, data)


def check_choice(data: Dataset, section: dict[str, Any], what: str) -> None:
    """Refuses to choose by a split that has no examples, or that is what the results are of.

    Args:
      data: the data set.
      section: `eval` of a config.
      what: that chooses, for the message.

    Raises:
      InputError: as above.
    """
    split, final = section["split"], section["final_split"]
    fraction = (
        "data.validation_fraction=0.1 takes a tenth of train, where the source has none"
    )
    if not data.splits[split].size:
        raise InputError(
            f"{what} chooses by eval.split={split!r}, of which {data.name!r} has no examples;"
            f" {fraction}"
        )
    if existing_split(data, final) == split:
        stands_in = "" if final == split else f" in the place of the empty {final!r}"
        raise InputError(
            f"{what} chooses by eval.split={split!r}, which the results would be of"
            f"{stands_in}; choose by another split ({fraction}) or report another,"
            " eval.final_split"
        )


def existing_split(data: Dataset, split: str) -> str:
    """The split itself, or where it is empty the one that stands in for it while nothing is chosen:
    test, then validation, then train."""
    splits = data.splits
    if split not in splits:
        raise InputError(f"no split {split!r}{suggest(split, splits)}")
    order = (
        split,
        *(name for name in ("test", "validation", "train") if name != split),
    )
    return next(name for name in order if splits[name].size)


def draw(
    trained: Trained, chosen: Iterable[Any], failures: Failures | None = None
) -> dict[str, Picture]:
    """Each chosen plot by name, `[H, W, 3]` uint8; `failures` as of `measure`."""
    pictures = {}
    for name, plot in _built(plots, chosen):
        ask = lambda n=name, p=plot: _picture(n, p(trained))
        if (drawn := _tried("plot", name, ask, failures)) is not None:
            pictures[name] = drawn
    return pictures


def pictures(
    trained: Trained, parts: Iterable[dict[str, Any]], whole: Callable[[], Trained]
) -> Iterator[Picture]:
    """Each plot in turn, checked and drawn; from the first on that needs examples, of `whole`.

    Args:
      trained: the model, with or without examples.
      parts: the plots.
      whole: the view that has them.

    Raises:
      InputError: a plot that the model or its data cannot serve.
    """
    for part in parts:
        try:
            drawn = _checked(trained, part)
        except ExamplesAbsent:
            trained = whole()
            drawn = _checked(trained, part)
        yield drawn


def _checked(trained: Trained, part: dict[str, Any]) -> Picture:
    check(trained.experiment, trained.data, plots, [part])
    return draw(trained, [part])[part["name"]]


def save_pictures(
    trained: Trained,
    chosen: Iterable[Any],
    folder: Path,
    failures: Failures | None = None,
) -> dict[str, Path]:
    """Writes each chosen plot as `PLOT-STEP.png` and returns the paths by plot."""
    paths = {}
    for name, picture in draw(trained, chosen, failures).items():
        path = picture_path(folder, name, trained.step)
        picture.save(path)
        paths[name] = path
    return paths


def picture_path(folder: Path, plot: str, step: int) -> Path:
    """Where the picture that a plot, by its name, makes of the state after `step` rounds lies."""
    return folder / f"{plot.replace(':', '-')}-{step:08d}.png"


def undrawn(chosen: Iterable[Any], folder: Path, step: int) -> list[Any]:
    """The chosen plots of which there is no picture after `step` rounds."""
    names = ((c if isinstance(c, str) else c["name"], c) for c in chosen)
    return [c for name, c in names if not picture_path(folder, name, step).exists()]


def raise_failures(failures: Failures) -> None:
    """Raises PartFailed that names all of them, if there are any."""
    if failures:
        told = "; ".join(f"{name!r} failed: {why}" for name, why in failures.items())
        raise PartFailed(f"{told} (all other results are written)")
