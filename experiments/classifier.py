"""Classifiers, whose trained networks also serve as named feature networks."""

from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp

from genlab.game.experiment import Array, Experiment, PyTree
from genlab.game.network import initialize
from genlab.game.turn import Draw, Loss, Player, Turn
from genlab.registry import experiments


@experiments.register
@dataclass(frozen=True, kw_only=True)
class Classifier(Experiment):
    """A network from examples to the logits of their classes.

    The objective is offered logits [B, K] and, as in every family, the label [B] int.
    """

    ROLES: ClassVar = ("classifier",)
    PLAYERS: ClassVar = ("classifier",)
    OFFERS: ClassVar = {"objective": ("logits", "x")}

    def init(self, key: Array, batch: dict[str, Array]) -> tuple[PyTree, PyTree]:
        network = self.networks["classifier"]
        return initialize(key, {"classifier": [(network, (batch["x"],))]})

    def players(self) -> dict[str, Player]:
        return {"classifier": Player(self._loss, self.optimizers["classifier"])}

    def turns(self) -> tuple[Turn, ...]:
        return (Turn("classifier"),)

    def _loss(self, params: PyTree, extra: PyTree, draw: Draw) -> Loss:
        logits, extra = self.networks["classifier"].train(
            params, extra, draw.batch["x"], key=draw.root
        )
        label = draw.batch["label"]
        terms = {"cross_entropy": self._judged(logits, draw)}
        return Loss(terms, extra, {"accuracy": _correct(logits, label)})

    def _judged(self, logits: Array, draw: Draw) -> Array:
        return self.ask("objective", draw, logits=logits, x=draw.batch["x"])

    def measure(self, params: PyTree, extra: PyTree, draw: Draw) -> dict[str, Array]:
        """Cross-entropy (nats) and accuracy (0 or 1) on held-out examples: [B] each."""
        logits = self.logits(params, extra, draw.batch["x"])
        label = draw.batch["label"]
        return {
            "cross_entropy": self._judged(logits, draw),
            "accuracy": _correct(logits, label),
        }

    def logits(self, params: PyTree, extra: PyTree, x: Array) -> Array:
        """Logits [B, K] of `x: [B, ...]`."""
        return self.networks["classifier"](params, extra, x)

    def features(self, params: PyTree, extra: PyTree, x: Array) -> Array:
        """The layer before the logits, [B, F] of `x: [B, ...]`."""
        return self.networks["classifier"](params, extra, x, method="features")


def _correct(logits: Array, label: Array) -> Array:
    return (jnp.argmax(logits, axis=-1) == label).astype(jnp.float32)
