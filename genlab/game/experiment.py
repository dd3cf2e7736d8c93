"""The game that every family is: players, turns, one state and the one training step.

A player owns parameters and an optimizer and minimises its own loss, the other players held fixed.
A round is a fixed sequence of turns. `State` is all that influences training.
"""

import abc
import collections
import dataclasses
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Self, final

import jax
import jax.numpy as jnp
import optax

from genlab.errors import InputError
from genlab.game import average, memory, parallel, rng, update_norm
from genlab.game.network import Network
from genlab.game.optim import Optimizer
from genlab.game.slots import parts_in
from genlab.game.sums import norm
from genlab.game.turn import Draw, Loss, Player, State, Turn
from genlab.part import as_terms, check_term, settled

Array = jax.Array
PyTree = Any


@dataclasses.dataclass(frozen=True)
class Experiment(abc.ABC):
    """A family of models: what its players minimise, and what a trained one can draw.

    Built from plain arguments; any float among them may be a traced array. Knobs are the keyword-only fields of the
    family; one that is itself a part, a slot, says of which registry, `field(default=None, metadata={"part":
    "objectives"})`, with `"several": True` where a list of parts will do. `OFFERS` says what `ask` offers in each
    slot, `SAMPLING` which knobs decide how samples are drawn and nothing else: a trained run goes on with others.

    What can be drawn is found by name: `sample(params, extra, key, num)`, `sample_classes(params, extra, label,
    key)`, `encode(params, extra, x)`, or `features`, `decode(params, extra, z)`, `reconstruct(params, extra, x)`,
    `measure(params, extra, draw) -> {name: [B]}` on held-out examples, `filters(params, extra) -> [K, D]`, the
    receptive filters of the first layer. `check_data(low, high)` may refuse the range of prepared examples,
    `check_levels(counts)` how many levels they have. `alarms(means) -> (text, ...)` says what is wrong by the last
    line of the log, which a run that ends on it repeats.

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
    OFFERS: ClassVar[Mapping[str, tuple[str, ...]]] = MappingProxyType({})
    SAMPLING: ClassVar[tuple[str, ...]] = ()

    @abc.abstractmethod
    def init(self, key: Array, batch: dict[str, Array]) -> tuple[PyTree, PyTree]:
        """`params[player][role]` and `extra[collection][role]` before the first round; `batch` has blank examples."""

    def followers(self, params: PyTree) -> PyTree:
        """What of `extra` follows parameters, as those stand before the first round, whatever they start from."""
        del params
        return {}

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
        """The state before the first round; `batch` gives shapes, leaves `[B, ...]`.

        `start(params, extra) -> (params, extra)` may replace what is freshly initialised.
        """
        first = self.at(jnp.zeros((), jnp.int32))
        params, extra = first.init(key, batch)
        if start is not None:
            params, extra = start(params, extra)
        extra = {**extra, **first.followers(params)}
        if remembered := memory.first(self, params):
            extra = {**extra, memory.COLLECTION: remembered}
        averaged = average.first(params, extra, self.optimizers)
        return State(
            step=jnp.zeros((), jnp.int32),
            params=params,
            opt_state={
                name: player.optimizer.transform.init(params[name])
                for name, player in first.players().items()
            },
            extra={**extra, "ema": averaged} if averaged else extra,
        )

    @final
    def train_step(
        self,
        state: State,
        batch: dict[str, Array],
        key: Array,
        begin: int = 0,
        due: bool | Array = True,
    ) -> tuple[State, dict[str, Array]]:
        """One round of the game.

        Args:
          state: the state before the round.
          batch: one batch per draw, leaves `[draws, B, ...]`.
          key: the key of the round.
          begin: rounds of the run before the first of this game, which a stage may follow.
          due: whether the norms of updates are asked for, which cost; elsewhere they may be 0.

        Returns:
          The state after the round, and metrics `player/name`: every term, `loss`, the norms of
          gradient, update and parameters, averaged over the player's moves.
        """
        now = self.at(state.step)
        players, turns = now.players(), now.turns()
        moves: dict[str, list[dict[str, Array]]] = {}
        made, draw, rounds = collections.Counter(), 0, state.step - begin
        for turn in turns:
            own = [t for t in turns if t.player == turn.player]
            before = sum(t.moves_in(rounds) for t in own) + made[turn.player]
            first = draw if turn.fresh else draw - 1
            draw = first + turn.repeats

            def move(state, index, name=turn.player, before=before - first + 1):
                seen = Draw(
                    jax.tree.map(lambda leaf: leaf[index], batch),
                    rng.fold(key, index),
                    state.step,
                )
                with jax.named_scope(f"player {name}"):
                    state, moved = _move(state, name, players[name], seen, due)
                optimizer, number = players[name].optimizer, before + index
                return average.after_move(state, name, optimizer, number), moved

            state, moved, count = turn.taken(move, state, first, rounds)
            made[turn.player] += count
            moves.setdefault(turn.player, []).append(moved)
        metrics = {
            f"{player}/{name}": _mean([one[name] for one in moved], made[player])
            for player, moved in moves.items()
            for name in moved[0]
        }
        return state.replace(step=state.step + 1), metrics

    @final
    def view(self, state: State) -> tuple[PyTree, PyTree]:
        """`params` and `extra` of the trained model: EMA copies where a player keeps one."""
        return average.view(state)

    @final
    def at(self, step: Array) -> Self:
        """The experiment with the values that its knobs have after `step` rounds: [] int32."""
        return settled(self, step)

    @final
    def ask(
        self,
        slot: str,
        draw: Draw,
        /,
        *,
        stream: str = "",
        knobs: Mapping[str, Any] = MappingProxyType({}),
        **offered: Any,
    ) -> Any:
        """What the part in a slot, which holds one, makes of those of the offered values that it
        names. It may name `key`, `step`, `batch`, and `label` where examples have one, as well.

        Args:
          slot: `objective`, or a knob that is a part.
          draw: which the values are of.
          stream: of the part's key; the slot's name where there is none.
          knobs: that the family sets.
          **offered: what `OFFERS` declares for the slot.
        """
        return self.recall(slot, draw, {}, stream=stream, knobs=knobs, **offered)[0]

    @final
    def recall(
        self,
        slot: str,
        draw: Draw,
        extra: PyTree,
        /,
        *,
        stream: str = "",
        knobs: Mapping[str, Any] = MappingProxyType({}),
        **offered: Any,
    ) -> tuple[Any, PyTree]:
        """As `ask`, of a part that may remember: with `extra` in which its memory is renewed."""
        ((name, part),) = parts_in(self, slot).items()
        return memory.ask(
            *(self, slot, name, part, draw, extra, stream or slot, knobs, offered)
        )

    @final
    def objective_terms(self, draw: Draw, /, **offered: Any) -> dict[str, Array]:
        """What the objective makes of the offered values, as terms of a loss: one goes by the name
        `objective`, several by their own. See `ask`."""
        return as_terms(self.ask("objective", draw, **offered), "objective")

    @final
    def terms(self, slot: str, draw: Draw, /, **offered: Any) -> dict[str, Array]:
        """What each part in a slot returns, which may be empty: `{slot: value}`, or of several
        `{slot_NAME: value}`; of a part with several terms `{slot_TERM: value}`. See `ask`."""
        return self.recall_terms(slot, draw, {}, **offered)[0]

    @final
    def recall_terms(
        self, slot: str, draw: Draw, extra: PyTree, /, **offered: Any
    ) -> tuple[dict[str, Array], PyTree]:
        """As `terms`, of parts that may remember: with `extra` in which their memories are renewed."""
        parts, terms = parts_in(self, slot), {}
        for name, part in parts.items():
            label, stream = (
                f"{slot}_{name}" if len(parts) > 1 else slot,
                f"{slot}/{name}",
            )
            found, extra = memory.ask(
                *(self, slot, name, part, draw, extra, stream, {}, offered)
            )
            own = as_terms(found, "")
            terms |= {f"{label}_{t}" if t else label: v for t, v in own.items()}
        return terms, extra


def _move(
    state: State, name: str, player: Player, draw: Draw, due: bool | Array
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
    norms = {"gradient_norm": norm(gradient)}

    @jax.named_scope("optimizer")
    def step(gradient: PyTree) -> tuple[PyTree, PyTree]:
        return player.optimizer.transform.update(gradient, state.opt_state[name], own)

    update, opt_state, norms["update_norm"] = update_norm.taken(step, gradient, due)
    with jax.named_scope("optimizer"):
        renewed = optax.apply_updates(own, update)
    norms["parameter_norm"] = norm(renewed)
    if twice := (loss.terms.keys() | reserved) & loss.metrics.keys():
        raise ValueError(f"player {name!r} names a metric like a term: {sorted(twice)}")
    logged = {key: jnp.mean(value) for key, value in loss.metrics.items()}
    metrics = parallel.mean_over_devices({**loss.terms, **logged, "loss": total})
    state = state.replace(
        params={**state.params, name: renewed},
        opt_state={**state.opt_state, name: opt_state},
        extra=loss.extra,
    )
    return state, {**metrics, **norms}


def _mean(values: list[Array], count: int | Array) -> Array:
    """Over the moves of a player's turns, [repeats] each, `count` of which were made: of others they are 0."""
    every = jnp.concatenate(values)
    return jnp.mean(every) if isinstance(count, int) else jnp.sum(every) / count


def _check_loss(name: str, loss: Any) -> None:
    """Raises InputError unless a player's loss is one; its objective knows how long terms are."""
    if not isinstance(loss, Loss):
        raise InputError(f"player {name!r}: {type(loss).__name__} is no Loss")
    if not isinstance(loss.terms, Mapping):
        told = f"terms of a Loss are a dict by name, not a {type(loss.terms).__name__}"
        raise InputError(f"player {name!r}: {told}")
    for term, values in loss.terms.items():
        check_term(f"player {name!r}, term {term!r}", values)
