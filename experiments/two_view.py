"""Self-supervision by two views of each example: SimCLR, SimSiam, BYOL, Barlow Twins, VICReg, SupCon."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import jax
import jax.numpy as jnp
import optax

from genlab.errors import InputError
from genlab.game import augmentation, parallel
from genlab.game.cast import Cast
from genlab.game.experiment import Array, Experiment, PyTree
from genlab.game.network import initialize
from genlab.game.slots import Parts, several
from genlab.game.turn import Draw, Loss, Player, Turn
from genlab.numbers import Fraction
from genlab.objectives.two_view import unit
from genlab.part import name_of, needs_of
from genlab.registry import experiments

PLAYER = "learner"
TARGET = "target"  # the collection where the network lies that follows
VIEWS = ("first", "second")
COLLAPSED = 0.1  # spread of projections below which they are all alike


@experiments.register
@dataclass(frozen=True, kw_only=True)
class TwoView(Experiment):
    """An encoder that is to make the same of two views of an example, and not the same of all examples.

    Each view is the example as the slot `augment` shows it, by draws of its own. It goes through the
    encoder, whose code is what is used afterwards (`encode`), and a projector, each view as a batch of its
    own; a predictor, where there is one, sees the projections. The objective is offered projections,
    predictions (the projections themselves without a predictor) and targets, each of both views, and the
    label: a loss of them is one function. No gradient reaches the targets: they are the projections or, with
    `target_rate`, those of a target network, which starts as the learner and follows it.

    It logs `alignment`, the squared distance of both projections at norm one, and `spread`, their standard
    deviation over the batch times sqrt(D): 1 for directions that are spread evenly, 0 where they have
    collapsed.

    Attributes:
      augment: a registered corruption, or a list, that makes the views; every augmentation of images is one.
      target_rate: how far the target network moves to the learner in a round, 0.004 in BYOL, where it
        falls to 0 by a cosine; None for no target network.

    Papers: Chen et al. 2020, arXiv:2002.05709; Chen & He 2021, arXiv:2011.10566; Grill et al. 2020,
      arXiv:2006.07733; Zbontar et al. 2021, arXiv:2103.03230; Bardes et al. 2022, arXiv:2105.04906;
      Khosla et al. 2020, arXiv:2004.11362
    """

    ROLES: ClassVar = ("encoder", "projector")
    OPTIONAL_ROLES: ClassVar = ("predictor",)
    PLAYERS: ClassVar = (PLAYER,)
    OFFERS: ClassVar = {
        "objective": tuple(
            f"{view}{what}" for what in ("", "_prediction", "_target") for view in VIEWS
        ),
        "augment": ("x", "memory"),
    }

    augment: Parts = field(default=None, metadata=several("corruptions", PLAYER))
    target_rate: Fraction | None = None

    def __post_init__(self) -> None:
        """Refuses a predictor or a target network that the objective does not look at."""
        needs = needs_of(self.objective)
        chosen = {
            "model.predictor": ("_prediction", "predictor" in self.networks),
            "experiment.target_rate": ("_target", self.target_rate is not None),
        }
        for what, (suffix, there) in chosen.items():
            if there and not any(need.endswith(suffix) for need in needs):
                raise InputError(
                    f"objective {name_of(self.objective)!r} looks at no {suffix[1:]}s, and {what} makes"
                    " them; leave it out, or take 'byol' or 'simsiam'"
                )

    def check_data(self, low: float, high: float) -> None:
        """Raises InputError where an augmentation does not fit examples in [low, high]."""
        augmentation.check_range(self, low, high)

    def init(self, key: Array, batch: dict[str, Array]) -> tuple[PyTree, PyTree]:
        seen, networks = batch["x"], []
        for role in (*self.ROLES, *self.OPTIONAL_ROLES):
            if role in self.networks:
                networks.append((self.networks[role], (seen,)))
                made = self.networks[role].shape_of_output(seen)
                if not isinstance(made, jax.ShapeDtypeStruct):
                    raise InputError(
                        f"model.{role}, {name_of(self.networks[role].module)!r}, has {len(made)} outputs, and"
                        " of two views it is to have one, as 'conv_code_encoder' and 'mlp' have"
                    )
                seen = jnp.zeros(made.shape, made.dtype)
        return initialize(key, {PLAYER: networks})

    def followers(self, params: PyTree) -> PyTree:
        if self.target_rate is None:
            return {}
        return {TARGET: {PLAYER: {role: params[PLAYER][role] for role in self.ROLES}}}

    def players(self) -> dict[str, Player]:
        return {PLAYER: Player(self._loss, self.optimizers[PLAYER])}

    def turns(self) -> tuple[Turn, ...]:
        return (Turn(PLAYER),)

    def _loss(self, params: PyTree, extra: PyTree, draw: Draw) -> Loss:
        if self.target_rate is not None:
            extra = self._followed(params, extra)
        seen = {}
        for view in VIEWS:
            x = augmentation.show(self, extra, draw, view, draw.batch["x"])
            cast = Cast(self.networks, params, extra, draw.key(view))
            seen[view] = projection = self._projection(cast, x)
            prediction = projection
            if "predictor" in cast:
                prediction = cast("predictor", projection)
            seen[f"{view}_prediction"] = prediction
            target = self._target(cast, x, projection)
            seen[f"{view}_target"] = jax.lax.stop_gradient(target)
            extra = cast.extra
        metrics = {
            "alignment": _distance(*(seen[view] for view in VIEWS)),
            "spread": _spread(jax.lax.stop_gradient(seen["first"])),
        }
        return Loss(self.objective_terms(draw, **seen), extra, metrics)

    def _projection(self, cast: Cast, x: Array) -> Array:
        return cast("projector", cast("encoder", x))

    def _target(self, cast: Cast, x: Array, projection: Array) -> Array:
        """What a prediction from the other view is to meet; the target network renews nothing but itself."""
        if self.target_rate is None:
            return projection
        slow = Cast(self.networks, cast.extra[TARGET], cast.extra, cast.key)
        return self._projection(slow, x)

    def _followed(self, params: PyTree, extra: PyTree) -> PyTree:
        """`extra` whose target network has moved to the learner as its last move left it."""
        own = {role: params[PLAYER][role] for role in self.ROLES}
        old = extra[TARGET][PLAYER]
        new = optax.incremental_update(
            jax.lax.stop_gradient(own), old, self.target_rate
        )
        return {**extra, TARGET: {PLAYER: new}}

    def measure(self, params: PyTree, extra: PyTree, draw: Draw) -> dict[str, Array]:
        """`alignment` of two views of held-out examples: [B] in [0, 4]."""
        cast = Cast(self.networks, params, extra)
        show = lambda view: augmentation.show(self, extra, draw, view, draw.batch["x"])
        return {
            "alignment": _distance(*(self._projection(cast, show(v)) for v in VIEWS))
        }

    def encode(self, params: PyTree, extra: PyTree, x: Array) -> Array:
        """The encoder's code of `x: [B, ...]` as it is: [B, F]."""
        return self.networks["encoder"](params, extra, x)

    def alarms(self, means: Mapping[str, float]) -> tuple[str, ...]:
        """What is wrong by the means of a line of the log: projections that have collapsed."""
        spread = means.get(f"{PLAYER}/spread")
        if spread is None or spread >= COLLAPSED:
            return ()
        told = (
            f"the projections have collapsed: {PLAYER}/spread={spread:.2g}, where 1 is spread evenly; a"
            " predictor, batch norm in the projector, or a lower learning rate may help"
        )
        return (told,)


def _distance(first: Array, second: Array) -> Array:
    """Squared distance of `[B, D]` at norm one: [B] in [0, 4]."""
    return jnp.sum(jnp.square(unit(first) - unit(second)), axis=1)


def _spread(z: Array) -> Array:
    """sqrt(D) times the mean standard deviation over the batch of `z: [B, D]` at norm one: []."""
    every = parallel.gather_batch(unit(z))
    return jnp.mean(jnp.std(every, axis=0)) * jnp.sqrt(z.shape[1])
