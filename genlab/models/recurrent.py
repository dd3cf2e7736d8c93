"""Recurrent networks: a sequence read into a code, and a code written out as a sequence.

An image is the sequence of its rows. Weights are those of flax.linen's cells; the steps are one
`lax.scan`, which on a CPU compiles in a fraction of the time of unrolled steps and runs as fast.
"""

import math
from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.errors import InputError, suggest
from genlab.nn.activation import activation
from genlab.numbers import Count
from genlab.registry import models

Array = jax.Array

# The optimized cell joins its four products into one, twice as fast as LSTMCell on a CPU.
CELLS = {"lstm": nn.OptimizedLSTMCell, "gru": nn.GRUCell}


@models.register
class RecurrentEncoder(nn.Module):
    """Reads a sequence, or an image row by row, and maps the last state to a code.

    Attributes:
      latent_dim: width K of the code.
      hidden: units of the cell, of each direction.
      cell: `lstm` or `gru`.
      bidirectional: whether a second cell reads from the end; the code is then of both last states.
      code_activation: name of the function that makes the code.
      dtype: type of the computation.

    Papers: Hochreiter & Schmidhuber 1997, Neural Computation 9:1735-1780; Cho et al. 2014,
      arXiv:1406.1078; bidirectional: Schuster & Paliwal 1997, IEEE TSP 45:2673-2681
    """

    latent_dim: Count
    hidden: Count = 128
    cell: str = "lstm"
    bidirectional: bool = False
    code_activation: str = "identity"
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """Maps `x: [B, T, D]`, or `[B, H, W, C]` with T = H and D = W C, to codes [B, K], float32.

        Raises:
          InputError: x is no sequence, or the cell is unknown.
        """
        del train
        _check_sequence("recurrent_encoder", x.shape[1:])
        steps = x.reshape(*x.shape[:2], -1).astype(self.dtype)
        readings = [("forward", False), ("backward", True)]
        last = []
        for name, reverse in readings[: 1 + self.bidirectional]:
            cell = cell_of(self.cell, self.hidden, self.dtype, name)
            start = cell.initialize_carry(jax.random.key(0), steps[:, 0].shape)
            last.append(_output_of(run(cell, start, steps, reverse=reverse)[0]))
        code = nn.Dense(self.latent_dim, dtype=self.dtype, name="code")(
            jnp.concatenate(last, axis=-1)
        )
        return activation(self.code_activation)(code).astype(jnp.float32)


@models.register
class RecurrentDecoder(nn.Module):
    """Writes a sequence, or an image row by row, from a code.

    The code makes the first state, through a tanh, and is the input of every step. Steps do not see
    what was written before them, so that all that the sequence says is in the code.

    Attributes:
      example_shape: (T, D), or (H, W, C) with T = H and D = W C.
      hidden: units of the cell.
      cell: `lstm` or `gru`.
      dtype: type of the computation.

    Papers: Cho et al. 2014, arXiv:1406.1078; Srivastava et al. 2015, arXiv:1502.04681
    """

    example_shape: Sequence[Count]
    hidden: Count = 128
    cell: str = "lstm"
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """Maps codes `x: [B, K]` to logits or means [B, *example_shape], real, float32.

        Raises:
          InputError: examples are no sequences, or the cell is unknown.
        """
        del train
        _check_sequence("recurrent_decoder", self.example_shape)
        length, width = self.example_shape[0], math.prod(self.example_shape[1:])
        code = x.astype(self.dtype)
        cell = cell_of(self.cell, self.hidden, self.dtype, "cell")
        blank = cell.initialize_carry(jax.random.key(0), code.shape)
        leaves, structure = jax.tree.flatten(blank)
        first = nn.Dense(len(leaves) * self.hidden, dtype=self.dtype, name="start")(
            code
        )
        # float32 as every later state: a scan's carry keeps its type.
        parts = jnp.split(jnp.tanh(first).astype(jnp.float32), len(leaves), axis=-1)
        start = jax.tree.unflatten(structure, parts)
        repeated = jnp.repeat(code[:, None], length, axis=1)
        _, states = run(cell, start, repeated)
        y = nn.Dense(width, dtype=self.dtype, name="outputs")(states)
        return y.astype(jnp.float32).reshape(x.shape[0], *self.example_shape)


def cell_of(kind: str, hidden: int, dtype: Any, name: str) -> nn.RNNCellBase:
    """The cell that a config calls `kind`.

    Raises:
      InputError: there is none of that name.
    """
    if kind not in CELLS:
        raise InputError(f"unknown cell {kind!r}{suggest(kind, CELLS)}")
    return CELLS[kind](hidden, dtype=dtype, name=name)


def run(
    cell: nn.RNNCellBase, start: Any, steps: Array, *, reverse: bool = False
) -> tuple[Any, Array]:
    """The last state, and the outputs [B, T, hidden], of a cell over `steps: [B, T, D]`."""
    scan = nn.scan(
        lambda cell, state, step: cell(state, step),
        variable_broadcast="params",
        split_rngs={"params": False},
        in_axes=1,
        out_axes=1,
        reverse=reverse,
    )
    return scan(cell, start, steps)


def _output_of(state: Any) -> Array:
    """The output in a cell's state: of an LSTM's (memory, output) or a GRU's one array."""
    return jax.tree.leaves(state)[-1]


def _check_sequence(name: str, shape: Sequence[int]) -> None:
    if len(shape) not in (2, 3):
        raise InputError(
            f"model {name!r} needs sequences [T, D] or images [H, W, C]; examples here have shape"
            f" {tuple(shape)}"
        )
