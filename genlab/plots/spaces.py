"""Latent spaces of several runs side by side: what each term of the bound does to them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from genlab.data.dataset import Dataset
from genlab.errors import InputError
from genlab.game import rng
from genlab.game.experiment import Experiment
from genlab.game.gaussian import Gaussian
from genlab.numbers import Count, Positive
from genlab.part import name_of
from genlab.plots import figure
from genlab.plots.beside import opened
from genlab.plots.embedding import scatter
from genlab.registry import plots
from genlab.trained.needs import check_part, needs, shapes_of
from genlab.trained.trained import Trained


@plots.register
@needs("posterior")
def latent_spaces(
    trained: Trained,
    *,
    beside: Sequence[str] = (),
    num: Count = 2000,
    reach: Positive = 5.0,
    split: str | None = None,
) -> np.ndarray:
    """A draw of q(z|x) for each example in the plane of two latents, runs side by side on one scale.

    The circles hold 39 and 86 % of the prior. The lectures' figure is of three runs: with the
    reconstruction alone classes lie apart and anywhere, with the KL alone all are the prior, with
    both they share it out.

    Args:
      trained: the model, whose latent has two numbers.
      beside: run folders of others, on the same data.
      num: examples of each.
      reach: half the side of the plane that is shown; 0 is in its middle, and each title has how many
        lie outside.
      split: where the examples come from; the held-out one by default.

    Returns:
      [H, W, 3] uint8.

    Raises:
      InputError: a latent that has not two numbers, or a folder without such a run.
    """
    models = {"this run" if beside else "": trained}
    for folder in beside:
        models[Path(folder).name] = other = opened(folder)
        check_part("latent_spaces", latent_spaces, {}, other.experiment, other.data)
    row = figure.new_row(len(models), size=4.8)
    for axes, (name, model) in zip(row, models.items(), strict=True):
        batch = model.examples(split or model.data.held_out()[0], num)
        posterior = Gaussian(*model.call("posterior", batch["x"]))
        z = np.asarray(posterior.draw(rng.stream(model.seed, "spaces"))[0])
        outside = int((np.abs(z) > reach).any(axis=1).sum())
        told = [name, name_of(model.experiment.objective), f"{outside} outside"]
        axes.set_title(", ".join(filter(None, told)), color=figure.INK)
        axes.set_aspect("equal")
        axes.set(xlim=(-reach, reach), ylim=(-reach, reach))
        last = axes is row[-1]
        scatter(
            axes, np.asarray(z), batch.get("label"), model.data.class_names, legend=last
        )
        for radius in (1, 2):
            turn = np.linspace(0, 2 * np.pi, 200)
            circle = radius * np.cos(turn), radius * np.sin(turn)
            axes.plot(*circle, color=figure.INK, linewidth=0.8)
    return figure.render(row[0].figure)


def _check(experiment: Experiment, data: Dataset, **knobs: Any) -> None:
    del knobs
    mean, *_ = shapes_of(experiment, data, "posterior")
    if mean.shape[1:] != (2,):
        raise InputError(
            f"plot 'latent_spaces' needs latents of two numbers, and this model's are"
            f" {mean.shape[1:]}: train with a latent size of 2"
        )


latent_spaces.check = _check
