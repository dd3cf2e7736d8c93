"""How much a generator learns from a logit: the argument against the saturating loss, drawn."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from genlab.data.dataset import Dataset
from genlab.errors import InputError
from genlab.game.adversary import logits_of
from genlab.game.experiment import Experiment
from genlab.numbers import Count, Positive
from genlab.part import name_of, needs_of
from genlab.plots import figure
from genlab.registry import objectives, plots
from genlab.trained.needs import needs
from genlab.trained.trained import Trained

COMPARED = ("minimax", "non_saturating", "least_squares", "hinge")
COLORS = (figure.MARK, figure.ACCENT, "#059669", "#d97706", "#7c3aed", figure.INK)
POINTS = 201


@plots.register
@needs("sample")
def gradient_signal(
    trained: Trained,
    *,
    compared: Sequence[str] = COMPARED,
    reach: Positive = 8.0,
    num: Count = 512,
) -> np.ndarray:
    """Size of the generator's gradient over the logit of its example, under several objectives.

    Where the discriminator is sure of a fake, at the left, the saturating game of `minimax` has no
    gradient left, sigmoid(l), and the non-saturating one its largest, sigmoid(-l). The grey columns
    are the logits that the model's own samples have.

    Args:
      trained: a game of a generator and a discriminator.
      compared: names of objectives that logits alone decide.
      reach: of the logits that are drawn.
      num: samples whose logits are shown.

    Returns:
      [H, W, 3] uint8.

    Raises:
      InputError: no discriminator, or an objective that needs more than the logits.

    Papers: Goodfellow et al. 2014, arXiv:1406.2661, section 3; Fedus et al. 2018, arXiv:1710.08446
    """
    _check(trained.experiment, trained.data, compared=compared)
    logits = np.linspace(-reach, reach, POINTS, dtype=np.float32)
    axes = figure.new_axes()
    found = _logits(trained, num)
    if found is not None:
        columns, edges = np.histogram(np.clip(found, -reach, reach), bins=40)
        height = columns / columns.max()
        width = np.diff(edges)
        axes.bar(
            edges[:-1], height, width, align="edge", color="#d1d5db", label="samples"
        )
    for place, name in enumerate(compared):
        size = np.abs(signal(objectives.build(name), logits))
        axes.plot(logits, size, color=COLORS[place % len(COLORS)], label=name)
    axes.set(xlim=(-reach, reach), ylim=(0, 2))
    axes.set_xlabel("logit of a generated example", color=figure.INK)
    axes.set_ylabel("size of the generator's gradient by it", color=figure.INK)
    axes.legend(frameon=False, labelcolor=figure.INK)
    return figure.render(axes.figure)


def signal(objective: Callable, logits: np.ndarray) -> np.ndarray:
    """The slope of what a generator minimises at `logits: [N]` of its examples, each alone: [N]; real
    examples have the logit 0."""

    def loss(logit: jax.Array) -> jax.Array:
        terms = objective(jnp.zeros(1), logit[None])["generator"]
        return sum(jnp.sum(term) for term in terms.values())

    return np.asarray(jax.vmap(jax.grad(loss))(jnp.asarray(logits)))


def _logits(trained: Trained, num: int) -> np.ndarray | None:
    """What the discriminator says of samples; None where it asks for their classes too."""
    if trained.experiment.networks["discriminator"].takes_label:
        return None
    judge = trained.compile(
        "gradient_signal",
        lambda experiment, *rest: experiment.networks["discriminator"](*rest),
    )
    verdicts = judge(trained.params, trained.extra, trained.sample(num))
    return np.asarray(logits_of(verdicts)).ravel()


def _check(
    experiment: Experiment, data: Dataset, *, compared: Sequence[str], **knobs: Any
) -> None:
    del data, knobs
    if not {"generator", "discriminator"} <= {*getattr(experiment, "networks", {})}:
        raise InputError(
            f"plot 'gradient_signal' is of a generator and a discriminator, as 'gan' has them;"
            f" experiment {name_of(experiment)!r} lacks one"
        )
    for name in compared:
        needed = [
            need for need, must in needs_of(objectives.find(name)).items() if must
        ]
        if set(needed) != {"real_logits", "fake_logits"}:
            raise InputError(
                f"plot 'gradient_signal' compares objectives of real and generated logits alone;"
                f" {name!r} needs {', '.join(needed)}"
            )


gradient_signal.check = _check
