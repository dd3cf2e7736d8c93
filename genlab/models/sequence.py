"""Sequences of tokens to a Gaussian posterior and back: the networks of MusicVAE.

A decoder here is asked for codes `z: [B, Z]`, the true tokens `target: [B, T, V]`, after which steps it
goes on with its own token, `own: [B, T]` bool, and `noise: [B, T, V]` that is added to the logits before
the largest is taken: none gives the likeliest token, Gumbel noise a draw from the softmax.
"""

import functools
from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.errors import InputError
from genlab.models.recurrent import cell_of, run
from genlab.numbers import Count
from genlab.registry import models

Array = jax.Array


@models.register
class SequenceEncoder(nn.Module):
    """Bidirectional LSTMs that read a sequence, and a Gaussian posterior of their last states.

    The scale of the posterior is a softplus.

    Attributes:
      latent_dim: width Z of the code.
      hidden: units of each direction, of each layer; a layer reads both directions of the one below.
      dtype: type of the computation.

    Paper: Roberts et al. 2018, arXiv:1803.05428, section 3.1
    """

    latent_dim: Count
    hidden: Sequence[Count] = (256,)
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Array, *, train: bool = False) -> tuple[Array, Array]:
        """Maps `x: [B, T, D]` to mean and log-variance, each [B, Z], float32.

        Raises:
          InputError: x is no sequence, or there is no layer.
        """
        del train
        check_tokens("sequence_encoder", x.shape[1:])
        _check_layers("sequence_encoder.hidden", self.hidden)
        steps = x.astype(self.dtype)
        for layer, width in enumerate(self.hidden):
            read, last = [], []
            for way in ("forward", "backward"):
                cell = cell_of("lstm", width, self.dtype, f"{way}_{layer}")
                start = cell.initialize_carry(jax.random.key(0), steps[:, 0].shape)
                state, states = run(cell, start, steps, reverse=way == "backward")
                read.append(states)
                last.append(state[1])
            steps = jnp.concatenate(read, axis=-1)
        state = jnp.concatenate(last, axis=-1)
        head = functools.partial(nn.Dense, self.latent_dim, dtype=self.dtype)
        mean, scale = head(name="mean")(state), head(name="scale")(state)
        return mean.astype(jnp.float32), 2 * log_softplus(scale.astype(jnp.float32))


@models.register
class SequenceDecoder(nn.Module):
    """LSTMs that write a sequence token by token from a code.

    The code makes their first states, through a tanh, and is an input of every step beside the token
    before it; before the first there is none, zeros.

    Attributes:
      example_shape: (T, V).
      hidden: units of each layer.
      dtype: type of the computation.

    Paper: Roberts et al. 2018, arXiv:1803.05428, section 3.2
    """

    example_shape: Sequence[Count]
    hidden: Sequence[Count] = (256, 256)
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(
        self, z: Array, target: Array, own: Array, noise: Array, *, train: bool = False
    ) -> Array:
        """Logits [B, T, V], float32, of the arguments that this file describes.

        Raises:
          InputError: examples are no sequences of tokens, or there is no layer.
        """
        del train
        check_tokens("sequence_decoder", self.example_shape)
        _check_layers("sequence_decoder.hidden", self.hidden)
        code = z[:, None]
        start = _first_states(code, self.hidden, self.dtype, "start")
        writer = Writer(self.hidden, self.example_shape[1], self.dtype, name="writer")
        return _written(writer, start, code, (target, own, noise))


@models.register
class HierarchicalDecoder(nn.Module):
    """A conductor that writes a state for each part of a sequence, and LSTMs that write each part.

    The code makes the conductor's first states and is its input at every part; what it says of a part
    makes the first states of the LSTMs there and is an input of each of its steps, as the code is of
    `sequence_decoder`. So what a part knows of the others went through the conductor, but for the last
    token of the one before.

    Attributes:
      example_shape: (T, V).
      parts: number of parts, which divides T; 16 bars are 16.
      hidden: units of each layer of the LSTMs.
      conductor: units of each layer of the conductor.
      dtype: type of the computation.

    Paper: Roberts et al. 2018, arXiv:1803.05428, section 3.3
    """

    example_shape: Sequence[Count]
    parts: Count = 16
    hidden: Sequence[Count] = (256, 256)
    conductor: Sequence[Count] = (256,)
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(
        self, z: Array, target: Array, own: Array, noise: Array, *, train: bool = False
    ) -> Array:
        """As that of `sequence_decoder`.

        Raises:
          InputError: examples are no sequences of tokens that long, or there is no layer.
        """
        del train
        check_tokens("hierarchical_decoder", self.example_shape)
        for knob in ("hidden", "conductor"):
            _check_layers(f"hierarchical_decoder.{knob}", getattr(self, knob))
        if self.example_shape[0] % self.parts:
            raise InputError(
                f"hierarchical_decoder.parts={self.parts} does not divide the"
                f" {self.example_shape[0]} steps of an example; one part a bar is data.bars"
            )
        states = _first_states(z, self.conductor, self.dtype, "conductor_start")
        said = jnp.repeat(z[:, None], self.parts, axis=1).astype(self.dtype)
        for layer, width in enumerate(self.conductor):
            cell = cell_of("lstm", width, self.dtype, f"conductor_{layer}")
            _, said = run(cell, states[layer], said)
        start = _first_states(said, self.hidden, self.dtype, "start")
        writer = Writer(self.hidden, self.example_shape[1], self.dtype, name="writer")
        return _written(writer, start, said, (target, own, noise))


class Writer(nn.Module):
    """Stacked LSTMs and what they say of the next token."""

    hidden: Sequence[int]
    tokens: int
    dtype: Any

    def setup(self) -> None:
        self.cells = [
            cell_of("lstm", width, self.dtype, f"cell_{layer}")
            for layer, width in enumerate(self.hidden)
        ]
        self.outputs = nn.Dense(self.tokens, dtype=self.dtype)

    def __call__(self, carry: Any, context: Array, step: Any) -> tuple[Any, Array]:
        """One step.

        Args:
          carry: the states, and the token before, [B, V].
          context: [B, C].
          step: of `target`, `own` and `noise`, [B, V], [B] and [B, V].

        Returns:
          The carry of the next step, and logits [B, V].
        """
        states, token = carry
        target, own, noise = step
        y = jnp.concatenate([token.astype(self.dtype), context], axis=-1)
        renewed = []
        for cell, state in zip(self.cells, states, strict=True):
            state, y = cell(state, y)
            renewed.append(state)
        logits = self.outputs(y).astype(jnp.float32)
        drawn = jax.nn.one_hot(jnp.argmax(logits + noise, axis=-1), self.tokens)
        return (tuple(renewed), jnp.where(own[:, None], drawn, target)), logits


def check_tokens(name: str, shape: Sequence[int]) -> None:
    """Raises InputError unless examples of this shape are sequences, [T, V]."""
    if len(shape) != 2:
        raise InputError(
            f"{name!r} is of sequences of tokens [T, V], as 'folksongs' has them; examples here have"
            f" shape {tuple(shape)}"
        )


def log_softplus(x: Array) -> Array:
    """log(log(1 + e^x)), which is x where e^x is small, with its slope."""
    low = x < -15.0
    return jnp.where(low, x, jnp.log(jax.nn.softplus(jnp.where(low, 0.0, x))))


def _check_layers(knob: str, widths: Sequence[int]) -> None:
    if not widths:
        raise InputError(
            f"{knob}=() has no layer; name one width or more, as in (256,)"
        )


def _first_states(code: Array, hidden: Sequence[int], dtype: Any, name: str) -> Any:
    """For each layer its memory and output, [..., H] float32 each, of `code: [..., C]`."""
    sizes = [width for width in hidden for _ in range(2)]
    made = nn.Dense(sum(sizes), dtype=dtype, name=name)(code.astype(dtype))
    ends = [sum(sizes[: i + 1]) for i in range(len(sizes) - 1)]
    # float32 as every later state: a scan's carry keeps its type.
    leaves = jnp.split(jnp.tanh(made).astype(jnp.float32), ends, axis=-1)
    return tuple(zip(leaves[::2], leaves[1::2], strict=True))


def _written(writer: Writer, starts: Any, contexts: Array, steps: Any) -> Array:
    """Logits [B, T, V] of a sequence in U parts.

    Args:
      writer: of the tokens.
      starts: its first states in each part, leaves [B, U, H].
      contexts: [B, U, C].
      steps: `target`, `own` and `noise`, leaves [B, T, ...].
    """
    batch, parts = contexts.shape[:2]
    shared = dict(variable_broadcast="params", split_rngs={"params": False})
    through = nn.scan(
        lambda writer, carry, context, step: writer(carry, context, step),
        in_axes=(nn.broadcast, 1),
        out_axes=1,
        **shared,
    )

    apart = lambda leaf: leaf.reshape(batch, parts, -1, *leaf.shape[2:])
    pieces = (starts, contexts.astype(writer.dtype), jax.tree.map(apart, steps))

    def part(writer: Writer, token: Array, piece: Any) -> tuple[Array, Array]:
        start, context, steps = piece
        (_, token), logits = through(writer, (start, token), context, steps)
        return token, logits

    blank = jnp.zeros((batch, writer.tokens))
    if parts == 1:  # a loop less to compile
        return part(writer, blank, jax.tree.map(lambda leaf: leaf[:, 0], pieces))[1]

    _, logits = nn.scan(part, in_axes=1, out_axes=1, **shared)(writer, blank, pieces)
    return logits.reshape(batch, -1, writer.tokens)
