"""What a player pays for its own weights, one number [] each.

A kernel is a parameter of that name; its matrix K has an output channel in each column. Each of these is
for the discriminator, in `penalty`, and for the generator, in `generator_penalty`.
"""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from genlab.errors import InputError
from genlab.game import rng
from genlab.numbers import NonNegative
from genlab.objectives.lazy import lazy
from genlab.registry import objectives

Array = jax.Array
PyTree = Any


@objectives.register
@lazy
def orthogonal_regularization(
    parameters: PyTree, *, weight: NonNegative = 1e-4
) -> Array:
    """The columns of every kernel at right angles: w sum_K sum_(i != j) (K^T K)_ij^2.

    Their norms are free, as in BigGAN.

    Args:
      parameters: tree of those of the player.
      weight: w, 0 or more.

    Returns:
      [].

    Raises:
      InputError: there is no kernel.

    Paper: Brock et al. 2019, arXiv:1809.11096, equation 3
    """
    total = jnp.zeros(())
    for kernel in kernels(parameters).values():
        inner = kernel.T @ kernel
        total += jnp.sum(jnp.square(inner - jnp.diag(jnp.diag(inner))))
    return weight * total


@objectives.register
@lazy
def spectral_regularization(
    parameters: PyTree, memory: dict[str, Array], *, weight: NonNegative = 0.01
) -> tuple[Array, dict[str, Array]]:
    """The largest singular value of every kernel: w/2 sum_K sigma(K)^2.

    It comes from one step of power iteration a move, from the vectors of the move before.

    Args:
      parameters: tree of those of the player.
      memory: a right singular vector of each kernel.
      weight: w, 0 or more.

    Returns:
      [], and the memory afterwards.

    Raises:
      InputError: there is no kernel.

    Paper: Yoshida & Miyato 2017, arXiv:1705.10941
    """
    total, renewed = jnp.zeros(()), {}
    for name, kernel in kernels(parameters).items():
        fixed = jax.lax.stop_gradient(kernel)
        left = _unit(fixed @ memory[name])
        renewed[name] = right = _unit(left @ fixed)
        total += jnp.square(left @ kernel @ right)
    return 0.5 * weight * total, renewed


def _first_vectors(parameters: PyTree) -> dict[str, Array]:
    key = jax.random.key(0)
    draw = lambda name, size: jax.random.normal(rng.fold(key, name), (size,))
    return {
        name: _unit(draw(name, kernel.shape[1]))
        for name, kernel in kernels(parameters).items()
    }


spectral_regularization.memory = _first_vectors


@objectives.register
@lazy
def historical_averaging(
    parameters: PyTree, memory: dict[str, PyTree], *, weight: NonNegative = 0.1
) -> tuple[Array, dict[str, PyTree]]:
    """Squared distance of the parameters from their mean over all moves before, w ||theta - mean||^2,
    so that players cannot circle each other for ever.

    Args:
      parameters: tree of those of the player.
      memory: `mean`, of the parameters at each move before, at first the initial ones, and `moves: []`.
      weight: w, 0 or more.

    Returns:
      [], and the memory afterwards.

    Paper: Salimans et al. 2016, arXiv:1606.03498
    """
    gap = jax.tree.map(jnp.subtract, parameters, memory["mean"])
    moves = memory["moves"] + 1
    mean = jax.tree.map(lambda old, by: old + by / moves, memory["mean"], gap)
    return weight * optax.tree.norm(gap, squared=True), {"mean": mean, "moves": moves}


historical_averaging.memory = lambda parameters: {"mean": parameters, "moves": 0.0}


def kernels(parameters: PyTree) -> dict[str, Array]:
    """Every kernel of a tree of parameters as a matrix [inputs, outputs], by its path.

    Raises:
      InputError: there is none.
    """
    leaves = jax.tree_util.tree_leaves_with_path(parameters)
    named = {jax.tree_util.keystr(path, simple=True): leaf for path, leaf in leaves}
    found = {
        name: leaf.reshape(-1, leaf.shape[-1])
        for name, leaf in named.items()
        if name.endswith("kernel") and leaf.ndim > 1
    }
    if not found:
        raise InputError("the player has no parameter called 'kernel' to regularise")
    return found


def _unit(vector: Array) -> Array:
    return vector / jnp.maximum(jnp.linalg.norm(vector), 1e-12)
