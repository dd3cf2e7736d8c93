"""Consistency: a network that makes the same example of all points of a trajectory."""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from genlab.errors import InputError
from genlab.part import name_of, needs_of, says

Array = jax.Array
PyTree = Any

TARGET = "target"  # the collection where the network lies that follows
FOLLOWER = "follower"  # no network's role, so that no average is taken of it
EARLIEST = 1e-5  # some paths move infinitely fast at 0


def check(
    gap: Any, target_rate: Any, sampler: Any, target: Any, objective: Any
) -> None:
    """Raises InputError where a sampler is of the other kind of model, a target network of none, or where a
    consistency model can be constant or is not compared with itself.

    Args:
      gap: of the model; None for a diffusion.
      target_rate: of the model, or None.
      sampler: a registered sampler.
      target: a registered target.
      objective: a registered objective.
    """
    if gap is None and says(sampler, "consistent", False):
        raise InputError(
            f"sampler {name_of(sampler)!r} draws from a consistency model; set experiment.gap, or take"
            " 'euler'"
        )
    if gap is not None and not says(sampler, "consistent", False):
        raise InputError(
            f"sampler {name_of(sampler)!r} follows the flow of a diffusion, and experiment.gap makes this"
            " one a consistency model; take 'renoised'"
        )
    if gap is not None and says(target, "forgets_noise", False):
        raise InputError(
            f"target {name_of(target)!r} lets a consistency model be constant, since nothing holds it to the example"
            " at t = 0; take 'velocity', 'v' or 'preconditioned'"
        )
    if gap is not None and not {"prediction", "target"} <= set(needs_of(objective)):
        raise InputError(
            f"objective {name_of(objective)!r} does not compare a prediction with its target, which is all that"
            " experiment.gap changes; take 'pseudo_huber' or 'prediction_error'"
        )
    if gap is None and target_rate is not None:
        raise InputError(
            "experiment.target_rate is of the targets of a consistency model; set experiment.gap, or leave"
            " it out"
        )


def need_flow(gap: Any) -> None:
    """Raises InputError for a consistency model, which says where trajectories end, not how they flow."""
    if gap is not None:
        raise InputError(
            "log p(x) is by the probability flow of a diffusion, and experiment.gap makes this one a"
            " consistency model"
        )


def earlier(time: Array, gap: Array) -> Array:
    """(1 - gap) t of `time: [B]`, EARLIEST at least."""
    return jnp.maximum((1 - gap) * time, EARLIEST)


def first(own: PyTree) -> PyTree:
    """What `extra` keeps: the network that follows, at first the learner; `own` is role -> parameters."""
    return {TARGET: {FOLLOWER: jax.tree.map(jnp.copy, own)}}


def followed(own: PyTree, extra: PyTree, rate: Array) -> PyTree:
    """`extra` with the network that follows moved to the learner as its last move left it."""
    own = jax.lax.stop_gradient(own)
    new = optax.incremental_update(own, extra[TARGET][FOLLOWER], rate)
    return {**extra, TARGET: {FOLLOWER: new}}
