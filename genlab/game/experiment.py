"""The game that every family is: players, turns, one state and the one training step.

A player owns parameters and an optimizer and minimises its own loss, the other players held fixed.
A round is a fixed sequence of turns. `State` is all that influences training.
"""

import abc
import collections
import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, final

import flax.struct
import jax
import jax.numpy as jnp
import optax

from genlab.errors import InputError
from genlab.game import parallel, rng
from genlab.game.network import Network
from genlab.game.optim import Optimizer
from genlab.returned import check_terms

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
    """Who moves: `loss(params, extra, draw) -> Loss`, minimised by `optimizer`."""

    loss: Callable[[PyTree, PyTree, Draw], Loss]
    optimizer: Optimizer


@dataclasses.dataclass(frozen=True)
class Turn:
    """A player moves `repeats` times.

    Each move of a fresh turn looks at a draw of its own (new examples, new noise). A turn that is
    not fresh looks again at the draw of the move before it, so that simultaneous losses share
    their forward passes.
    """

    player: str
    repeats: int = 1
    fresh: bool = True

    def __post_init__(self):
        if self.repeats < 1 or (self.repeats > 1 and not self.fresh):
            raise ValueError(f"a turn moves once, or more often on fresh draws: {self}")


@dataclasses.dataclass(frozen=True)
class Experiment(abc.ABC):
    """A family of models: what its players minimise, and what a trained one can draw.

    Built from plain arguments; any float among them may be a traced array. Knobs are the
    keyword-only fields of the family; one that is itself a part says of which registry,
    `field(default=None, metadata={"part": "objectives"})`. What can be drawn is found by name: `sample(params, extra,
    key, num)`, `encode(params, extra, x)`, `decode(params, extra, z)`, `reconstruct(params, extra,
    x)`, `measure(params, extra, draw) -> {name: [B]}` on held-out examples, `filters(params, extra)
    -> [K, D]`, the receptive filters of the first layer. `check_data(low, high)` may refuse the range
    of prepared examples.

    Attributes:
      networks: role -> network, the family's `ROLES` and any of its `OPTIONAL_ROLES`.
      objective: a registered objective with its knobs bound.
      optimizers: player -> optimizer, exactly the family's `PLAYERS`.
    """

    networks: Mapping[str, Network]
    objective: Callable
    optimizers: Mapping[str, Optimizer]

    ROLES: ClassVar[tuple[str, ...]]
    OPTIONAL_ROLES: ClassVar[tuple[str, ...]] = ()
    PLAYERS: ClassVar[tuple[str, ...]]

    @abc.abstractmethod
    def init(self, key: Array, batch: dict[str, Array]) -> tuple[PyTree, PyTree]:
        """`params[player][role]` and `extra[collection][role]` before the first round."""

    @abc.abstractmethod
    def players(self) -> dict[str, Player]:
        """The players by name."""

    @abc.abstractmethod
    def turns(self) -> tuple[Turn, ...]:
        """The moves of one round, in order; the first is on a fresh draw."""

    @final
    def draws(self) -> int:
        """Batches that one round consumes."""
        return sum(turn.repeats for turn in self.turns() if turn.fresh)

    @final
    def init_state(
        self, key: Array, batch: dict[str, Array], start: Callable | None = None
    ) -> State:
        """The state before the first round; `batch` gives shapes, `x: [B, ...]`.

        `start(params, extra) -> (params, extra)` may replace what is freshly initialised.
        """
        params, extra = self.init(key, batch)
        if start is not None:
            params, extra = start(params, extra)
        averaged = {
            name: _averaged_part(params, extra, name)
            for name, optimizer in self.optimizers.items()
            if optimizer.ema is not None
        }
        return State(
            step=jnp.zeros((), jnp.int32),
            params=params,
            opt_state={
                name: player.optimizer.transform.init(params[name])
                for name, player in self.players().items()
            },
            extra={**extra, "ema": averaged} if averaged else extra,
        )

    @final
    def train_step(
        self, state: State, batch: dict[str, Array], key: Array, begin: int = 0
    ) -> tuple[State, dict[str, Array]]:
        """One round of the game.

        Args:
          state: the state before the round.
          batch: one batch per draw, leaves `[draws, B, ...]`.
          key: the key of the round.
          begin: rounds of the run before the first of this game, which a stage may follow.

        Returns:
          The state after the round, and metrics `player/name`: every term, `loss`, the norms of
          gradient, update and parameters, averaged over the player's moves.
        """
        players, turns = self.players(), self.turns()
        moves: dict[str, list[dict[str, Array]]] = {}
        made, draw = collections.Counter(), 0  # moves by player, draws
        for turn in turns:
            every = sum(t.repeats for t in turns if t.player == turn.player)
            before = (state.step - begin) * every + made[turn.player]
            first = draw if turn.fresh else draw - 1
            draw = first + turn.repeats

            def move(state, index, name=turn.player, before=before - first + 1):
                seen = Draw(
                    jax.tree.map(lambda leaf: leaf[index], batch),
                    jax.random.fold_in(key, index),
                    state.step,
                )
                state, moved = _move(state, name, players[name], seen)
                return _average(state, name, players[name], before + index), moved

            if turn.repeats == 1:
                state, moved = move(state, first)
                moved = jax.tree.map(lambda leaf: leaf[None], moved)
            else:
                state, moved = jax.lax.scan(move, state, jnp.arange(first, draw))
            made[turn.player] += turn.repeats
            moves.setdefault(turn.player, []).append(moved)
        metrics = {
            f"{player}/{name}": jnp.mean(jnp.concatenate([one[name] for one in moved]))
            for player, moved in moves.items()
            for name in moved[0]
        }
        return state.replace(step=state.step + 1), metrics

    @final
    def view(self, state: State) -> tuple[PyTree, PyTree]:
        """`params` and `extra` of the trained model: EMA copies where a player keeps one."""
        params, extra = dict(state.params), dict(state.extra)
        for name, average in extra.pop("ema", {}).items():
            params[name] = average["params"]
            for collection, roles in average["variables"].items():
                extra[collection] = {**extra[collection], **roles}
        return params, extra


def _move(
    state: State, name: str, player: Player, draw: Draw
) -> tuple[State, dict[str, Array]]:
    """One player minimises its loss by one step of its optimizer."""

    def objective(own: PyTree) -> tuple[Array, Loss]:
        loss = player.loss({**state.params, name: own}, state.extra, draw)
        _check_loss(name, loss)
        means = {
            term: jnp.mean(values.astype(jnp.float32))
            for term, values in loss.terms.items()
        }
        return sum(means.values()), loss.replace(terms=means)

    own = state.params[name]
    reserved = {"loss", "gradient_norm", "update_norm", "parameter_norm"}
    (total, loss), gradient = jax.value_and_grad(objective, has_aux=True)(own)
    gradient = parallel.mean_over_devices(gradient)
    update, opt_state = player.optimizer.transform.update(
        gradient, state.opt_state[name], own
    )
    renewed = optax.apply_updates(own, update)
    if twice := (loss.terms.keys() | reserved) & loss.metrics.keys():
        raise ValueError(f"player {name!r} names a metric like a term: {sorted(twice)}")
    logged = {key: jnp.mean(value) for key, value in loss.metrics.items()}
    metrics = parallel.mean_over_devices({**loss.terms, **logged, "loss": total})
    metrics["gradient_norm"] = optax.tree.norm(gradient)
    metrics["update_norm"] = optax.tree.norm(update)
    metrics["parameter_norm"] = optax.tree.norm(renewed)
    return (
        state.replace(
            params={**state.params, name: renewed},
            opt_state={**state.opt_state, name: opt_state},
            extra=loss.extra,
        ),
        metrics,
    )


def _check_loss(name: str, loss: Any) -> None:
    """Raises InputError unless a player's loss is one; its objective knows how long terms are."""
    if not isinstance(loss, Loss):
        raise InputError(f"player {name!r}: {type(loss).__name__} is no Loss")
    check_terms(f"player {name!r}", loss.terms)


def _averaged_part(params: PyTree, extra: PyTree, name: str) -> PyTree:
    """What an EMA of a player averages: its parameters and its networks' variables."""
    roles = params[name]
    return {
        "params": roles,
        "variables": {
            collection: {role: tree[role] for role in roles if role in tree}
            for collection, tree in extra.items()
            if collection != "ema" and any(role in tree for role in roles)
        },
    }


def _average(state: State, name: str, player: Player, moves: Array) -> State:
    """After a player's move: its EMA, where it keeps one, moves towards it."""
    if player.optimizer.ema is None:
        return state
    averages = state.extra["ema"]
    new = _averaged_part(state.params, state.extra, name)
    averaged = player.optimizer.averaged(averages[name], new, moves)
    return state.replace(extra={**state.extra, "ema": {**averages, name: averaged}})
