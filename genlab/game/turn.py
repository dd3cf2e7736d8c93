"""What a round is made of: the state, the draws, the losses, who moves and when."""

import dataclasses
from collections.abc import Callable
from typing import Any

import flax.struct
import jax
import jax.numpy as jnp

from genlab.game import rng
from genlab.game.optim import Optimizer

Array = jax.Array
PyTree = Any


@flax.struct.dataclass
class State:
    """All that influences training; saved whole.

    Attributes:
      step: [] int32, rounds done.
      params: player -> role -> parameters.
      opt_state: player -> optimizer state.
      extra: collection -> role -> variables: batch statistics, spectral-norm vectors, EMA copies,
        Gibbs chains, replay pools, running means.
    """

    step: Array
    params: dict[str, PyTree]
    opt_state: dict[str, PyTree]
    extra: dict[str, PyTree]


@flax.struct.dataclass
class Draw:
    """What a move looks at: a batch, the source of its randomness, and the time.

    Attributes:
      batch: `x: [B, ...]` and what comes with it, such as `label: [B]`.
      root: the key of this draw; streams are taken from it by name.
      step: [] int32, rounds done before this one.
    """

    batch: dict[str, Array]
    root: Array
    step: Array

    def key(self, name: str) -> Array:
        """The key of the stream `name` of this draw."""
        return rng.fold(self.root, name)


@flax.struct.dataclass
class Loss:
    """What a player minimises: the sum of the means of `terms`.

    Attributes:
      terms: name -> [B] or [], in the unit of the objective (nats where it is a likelihood).
      extra: the `extra` of the state after this move.
      metrics: name -> array, averaged and logged beside the terms.
    """

    terms: dict[str, Array]
    extra: dict[str, PyTree]
    metrics: dict[str, Array] = flax.struct.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Player:
    """Who moves.

    Attributes:
      loss: `loss(params, extra, draw) -> Loss` of all players' parameters; its terms are averaged over
        the batch and summed.
      optimizer: of the player's own parameters.
    """

    loss: Callable[[PyTree, PyTree, Draw], Loss]
    optimizer: Optimizer


@dataclasses.dataclass(frozen=True)
class Turn:
    """A player moves `repeats` times, in every round or, with `every`, in each that this number divides.

    Each move of a fresh turn looks at a draw of its own (new examples, new noise). A turn that is
    not fresh looks again at the draw of the move before it, so that simultaneous losses share
    their forward passes.
    """

    player: str
    repeats: int = 1
    fresh: bool = True
    every: int = 1

    def __post_init__(self):
        if self.repeats < 1 or (self.repeats > 1 and not self.fresh):
            raise ValueError(f"a turn moves once, or more often on fresh draws: {self}")
        if self.every < 1:
            raise ValueError(f"a turn is taken in every round, or less often: {self}")

    def moves_in(self, rounds: int | Array) -> int | Array:
        """Moves in the first `rounds` of a game, of which the first is number 0."""
        return self.repeats * -(-rounds // self.every)

    def taken(
        self, move: Callable, state: State, first: int, rounds: int | Array
    ) -> tuple[State, dict[str, Array], int | Array]:
        """The state after the moves of a round, their metrics, [repeats] each, and how many they were.

        Args:
          move: (state, which draw) -> (state, its metrics).
          state: before them.
          first: the draw of the first.
          rounds: of the game before this one. Where the turn is not taken metrics are 0, and there are no moves.
        """

        def take(state: State) -> tuple[State, dict[str, Array]]:
            if self.repeats == 1:
                state, moved = move(state, first)
                return state, jax.tree.map(lambda leaf: leaf[None], moved)
            return jax.lax.scan(move, state, jnp.arange(first, first + self.repeats))

        if self.every == 1:
            return *take(state), self.repeats
        rest = jax.tree.map(
            lambda leaf: jnp.zeros(leaf.shape, leaf.dtype),
            jax.eval_shape(take, state)[1],
        )
        due = rounds % self.every == 0
        state, moved = jax.lax.cond(due, take, lambda state: (state, rest), state)
        return state, moved, jnp.where(due, self.repeats, 0)
