"""RotNet: an encoder that learns to see by how much an image has been turned."""

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp

from genlab.data.rotation import check_rotations, rotated
from genlab.errors import InputError
from genlab.game.cast import Cast
from genlab.game.experiment import Array, Experiment, PyTree
from genlab.game.network import initialize
from genlab.game.turn import Draw, Loss, Player, Turn
from genlab.numbers import Count
from genlab.part import name_of
from genlab.registry import experiments

PLAYER = "learner"


@experiments.register
@dataclass(frozen=True, kw_only=True)
class Rotation(Experiment):
    """An encoder and a head that tell by which of a few angles an image was turned.

    Every image of a batch is seen at all angles. The code of the encoder is what is used afterwards
    (`encode`); the head maps it to one logit for each angle. The objective is offered logits and turns of
    all turned images, [B * rotations].

    Attributes:
      rotations: 2, 4 or 8, by 180, 90 or 45 degrees.

    Paper: Gidaris, Singh & Komodakis 2018, arXiv:1803.07728
    """

    ROLES: ClassVar = ("encoder", "head")
    PLAYERS: ClassVar = (PLAYER,)
    OFFERS: ClassVar = {"objective": ("logits", "turn", "x")}

    rotations: Count = 4

    def init(self, key: Array, batch: dict[str, Array]) -> tuple[PyTree, PyTree]:
        x = batch["x"]
        check_rotations(self.rotations, x.shape[1:])
        encoder, head = (self.networks[role] for role in self.ROLES)
        code = encoder.shape_of_output(x)
        if not isinstance(code, jax.ShapeDtypeStruct):
            raise InputError(
                f"rotation needs an encoder with one output, its code, and"
                f" {name_of(encoder.module)!r} has {len(code)}"
            )
        blank = jnp.zeros(code.shape, code.dtype)
        logits = head.shape_of_output(blank)
        if logits.shape[1:] != (self.rotations,):
            raise InputError(
                f"model.head makes {list(logits.shape)} of {list(blank.shape)}, and"
                f" experiment.rotations={self.rotations} needs {self.rotations} logits of each; set its"
                f" outputs={self.rotations}"
            )
        return initialize(key, {PLAYER: [(encoder, (x,)), (head, (blank,))]})

    def players(self) -> dict[str, Player]:
        return {PLAYER: Player(self._loss, self.optimizers[PLAYER])}

    def turns(self) -> tuple[Turn, ...]:
        return (Turn(PLAYER),)

    def _loss(self, params: PyTree, extra: PyTree, draw: Draw) -> Loss:
        cast = Cast(self.networks, params, extra, draw.root)
        told, right = self._told(cast, draw)
        terms = self.objective_terms(draw.replace(batch=_every(draw, told)), **told)
        return Loss(terms, cast.extra, {"accuracy": right})

    def _told(self, cast: Cast, draw: Draw) -> tuple[dict[str, Array], Array]:
        """What the objective is offered, and whether each turn is found, [B * rotations]."""
        x = draw.batch["x"]
        turns = jnp.arange(self.rotations)
        # The turns of an example lie together, so that devices share the batch by examples.
        turn = jnp.tile(turns, x.shape[0])
        seen = rotated(jnp.repeat(x, self.rotations, 0), turn, rotations=self.rotations)
        logits = cast("head", cast("encoder", seen))
        right = (jnp.argmax(logits, axis=1) == turn).astype(jnp.float32)
        return {"logits": logits, "turn": turn, "x": seen}, right

    def measure(self, params: PyTree, extra: PyTree, draw: Draw) -> dict[str, Array]:
        """Of held-out examples at all angles, the share of turns that is found: [B] in [0, 1]."""
        _, right = self._told(Cast(self.networks, params, extra), draw)
        return {"accuracy": jnp.mean(right.reshape(-1, self.rotations), axis=1)}

    def encode(self, params: PyTree, extra: PyTree, x: Array) -> Array:
        """The encoder's code of `x: [B, ...]` as it is: [B, F]."""
        return self.networks["encoder"](params, extra, x)


def _every(draw: Draw, told: dict[str, Array]) -> dict[str, Array]:
    """The batch of a draw with each example as often as it is seen."""
    count = told["turn"].shape[0] // draw.batch["x"].shape[0]
    return {
        **jax.tree.map(lambda leaf: jnp.repeat(leaf, count, 0), draw.batch),
        "x": told["x"],
    }
