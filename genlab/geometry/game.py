"""A game as a vector field on the parameters of all players, and what its linear part says."""

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from genlab.errors import InputError
from genlab.game.experiment import Array, Experiment, PyTree
from genlab.game.turn import Draw

STEP = 1e-2  # of float32, whose rounding is then 1e-5 of a slope
MOST = 2000  # parameters of a game whose Jacobian is computed, 32 MB


def field(experiment: Experiment, params: PyTree, extra: PyTree, draw: Draw) -> Array:
    """Where simultaneous gradient descent goes: minus each player's gradient by its own parameters.

    Args:
      experiment: whose players they are.
      params: of the state, of the players alone.
      extra: of the state.
      draw: that all players look at.

    Returns:
      [P], in the order of `ravel_pytree(params)`.
    """

    def slope(name: str) -> PyTree:
        def loss(own: PyTree) -> Array:
            found = players[name].loss({**params, name: own}, extra, draw)
            return sum(jnp.mean(term) for term in found.terms.values())

        return jax.grad(loss)(params[name])

    players = experiment.players()
    slopes = {name: slope(name) for name in params}
    return -ravel_pytree(slopes)[0]


def game_jacobian(
    experiment: Experiment, params: PyTree, extra: PyTree, draw: Draw
) -> Array:
    """The Jacobian of `field`, [P, P], by central differences over 2 STEP.

    Losses stop gradients from one player to another, as its own needs none; a derivative through them
    would miss how players pull at each other, and a difference does not.

    Where the field vanishes, descent with small steps comes back if all eigenvalues have negative
    real parts, and circles, or leaves with steps of any size, where they are imaginary.

    Papers: Mescheder et al. 2017, arXiv:1705.10461; Mescheder et al. 2018, arXiv:1801.04406
    """
    flat, restore = ravel_pytree(params)
    at = lambda w: field(experiment, restore(w), extra, draw)

    def along(index: Array) -> Array:
        step = STEP * jax.nn.one_hot(index, flat.size, dtype=flat.dtype)
        return (at(flat + step) - at(flat - step)) / (2 * STEP)

    return jax.lax.map(along, jnp.arange(flat.size)).T


def check_small(experiment: Experiment, params: PyTree, *, exactly: int = 0) -> None:
    """Raises InputError for a game of too many parameters, or of others than `exactly` so many."""
    size = sum(leaf.size for leaf in jax.tree.leaves(params))
    strangers = params.keys() - experiment.players().keys()
    if strangers:
        raise InputError(
            f"parameters of {', '.join(sorted(strangers))} that no player moves are no game's"
        )
    if exactly and size != exactly:
        raise InputError(
            f"a plane has {exactly} parameters, this game {size:,}; take 'dirac_gan'"
        )
    if size > MOST:
        raise InputError(
            f"the Jacobian of a game of {size:,} parameters has as many rows; {MOST:,} at most,"
            " as of 'dirac_gan' or of small perceptrons"
        )
