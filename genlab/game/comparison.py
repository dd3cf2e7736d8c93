"""One pair of players compared by an objective, behind what the discriminator is shown: for games of several."""

from typing import Any

import jax
import jax.numpy as jnp

from genlab.game.adversary import Judged, Terms, as_function, judge, weigh
from genlab.game.augmentation import adapt, show_all
from genlab.game.experiment import Experiment
from genlab.game.slots import player_of
from genlab.game.turn import Draw

Array = jax.Array
PyTree = Any


def compare(
    experiment: Experiment,
    role: str,
    params: PyTree,
    extra: PyTree,
    draw: Draw,
    real: tuple[Array, ...],
    fake: tuple[Array, ...],
    *,
    which: str = "",
) -> tuple[Terms, PyTree]:
    """`judge` of what the slot `augment` shows the discriminator, then `weigh`."""
    judged, extra = _judge_shown(
        experiment, role, params, extra, draw, real, fake, which
    )
    stream = f"objective/{role}{which}"
    return weigh(experiment, extra, draw, judged, stream=stream)


def compare_and_pay(
    experiment: Experiment,
    role: str,
    params: PyTree,
    extra: PyTree,
    draw: Draw,
    real: tuple[Array, ...],
    fake: tuple[Array, ...],
    *,
    which: str = "",
) -> tuple[Terms, dict[str, Array], PyTree]:
    """`compare`, and what the discriminator pays by the slot `penalty`.

    Penalties see a function of the last of what the discriminator is shown, the rest held fixed, behind
    the slot `augment`; of patches, the mean of their logits.

    Returns:
      The terms of both players; the penalties, name -> [B]; `extra` with what all these parts remember
      renewed.
    """
    judged, renewed = _judge_shown(
        experiment, role, params, extra, draw, real, fake, which
    )
    stream = f"objective/{role}{which}"
    terms, renewed = weigh(experiment, renewed, draw, judged, stream=stream)
    beside = real[:-1]
    label = draw.batch.get("label")
    call = as_function(experiment, role, params, extra, draw, label)

    def critic(x: Array) -> Array:
        logits = call(
            *show_all(experiment, extra, draw, f"penalty{which}", (*beside, x))
        )
        return jnp.mean(logits.reshape(logits.shape[0], -1), axis=1)

    paid, renewed = experiment.recall_terms(
        *("penalty", draw, renewed),
        critic=critic,
        critic_of_fakes=critic,
        real=real[-1],
        fake=fake[-1],
        real_logits=judged.real_logits,
        fake_logits=judged.fake_logits,
        parameters={role: params[player_of(type(experiment), "penalty")][role]},
    )
    return terms, paid, adapt(experiment, renewed, draw, judged.real_logits)


def _judge_shown(
    experiment: Experiment,
    role: str,
    params: PyTree,
    extra: PyTree,
    draw: Draw,
    real: tuple[Array, ...],
    fake: tuple[Array, ...],
    which: str,
) -> tuple[Judged, PyTree]:
    seen = (
        show_all(experiment, extra, draw, name + which, images)
        for name, images in (("real", real), ("fake", fake))
    )
    return judge(experiment, role, params, extra, draw, *seen, which=which)
