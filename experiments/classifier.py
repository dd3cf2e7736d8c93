"""Classifiers, whose trained networks also serve as named feature networks."""

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp

from genlab.errors import InputError
from genlab.game import rng
from genlab.game.experiment import Array, Experiment, PyTree
from genlab.game.network import initialize
from genlab.game.turn import Draw, Loss, Player, Turn
from genlab.models.headed import first_of
from genlab.numbers import Count, NonNegative, Whole
from genlab.registry import experiments


@experiments.register
@dataclass(frozen=True, kw_only=True)
class Classifier(Experiment):
    """A network from examples to the logits of their classes.

    Networks in the optional role `features` are frozen, an encoder that was trained elsewhere: what is
    classified is then their code. One in the optional role `generator` is frozen as well, and makes
    examples of a class from noise: the classifier learns from as many of these as of real ones, drawn
    anew in every round, their classes evenly. The objective is offered logits [B, K] and, as in every
    family, the label [B] int.

    Attributes:
      generated_weight: of the loss of generated examples; None without a generator.
      noise_dim: length of the generator's standard normal noise.
      num_classes: of the data.
    """

    ROLES: ClassVar = ("classifier",)
    OPTIONAL_ROLES: ClassVar = ("features", "generator")
    PLAYERS: ClassVar = ("classifier",)
    OFFERS: ClassVar = {"objective": ("logits", "x")}

    generated_weight: NonNegative | None = None
    noise_dim: Count = 64
    num_classes: Whole = 0

    def __post_init__(self) -> None:
        """Refuses a generator without a weight, a weight without one, and one of no class."""
        there = "generator" in self.networks
        if there != (self.generated_weight is not None):
            raise InputError(
                "experiment.generated_weight and model.generator go together: the one weighs the"
                " loss of what the other makes"
            )
        if there:
            self.networks["generator"].need_label("samples of a class")

    def init(self, key: Array, batch: dict[str, Array]) -> tuple[PyTree, PyTree]:
        x, groups = batch["x"], {}
        if "features" in self.networks:
            features = self.networks["features"]
            groups["frozen"] = [(features, (x,))]
            code = jax.eval_shape(first_of, features.shape_of_output(x))
            x = jnp.zeros(code.shape, code.dtype)
        if "generator" in self.networks:
            generator = self.networks["generator"]
            noise = jnp.zeros((batch["x"].shape[0], self.noise_dim))
            groups.setdefault("frozen", []).append((generator, (noise,)))
            made = generator.shape_of_output(noise, label=batch["label"]).shape
            if made != batch["x"].shape:
                raise InputError(
                    f"model.generator makes examples {made[1:]}, and those of the data are"
                    f" {batch['x'].shape[1:]}"
                )
        groups["classifier"] = [(self.networks["classifier"], (x,))]
        return initialize(key, groups, batch.get("label"))

    def players(self) -> dict[str, Player]:
        return {"classifier": Player(self._loss, self.optimizers["classifier"])}

    def turns(self) -> tuple[Turn, ...]:
        return (Turn("classifier"),)

    def _loss(self, params: PyTree, extra: PyTree, draw: Draw) -> Loss:
        x = self._input(params, extra, draw.batch["x"])
        logits, extra = self.networks["classifier"].train(
            params, extra, x, key=draw.root
        )
        label = draw.batch["label"]
        terms = {"cross_entropy": self._judged(logits, draw)}
        if "generator" in self.networks:
            terms["generated"], extra = self._of_generated(params, extra, draw)
        return Loss(terms, extra, {"accuracy": _correct(logits, label)})

    def _of_generated(
        self, params: PyTree, extra: PyTree, draw: Draw
    ) -> tuple[Array, PyTree]:
        """The weighed loss of as many generated examples as the draw has, and `extra`."""
        count = draw.batch["x"].shape[0]
        label = rng.classes(draw.key("classes"), count, self.num_classes)
        noise = rng.normal(draw.key("noise"), (count, self.noise_dim))
        x = self.networks["generator"](params, extra, noise, label=label)
        made = draw.replace(
            batch={**draw.batch, "x": jax.lax.stop_gradient(x), "label": label},
            root=draw.key("generated"),
        )
        seen = self._input(params, extra, made.batch["x"])
        logits, extra = self.networks["classifier"].train(
            params, extra, seen, key=made.root
        )
        return self.generated_weight * self._judged(logits, made), extra

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
        x = self._input(params, extra, x)
        return self.networks["classifier"](params, extra, x)

    def features(self, params: PyTree, extra: PyTree, x: Array) -> Array:
        """The layer before the logits, [B, F] of `x: [B, ...]`."""
        x = self._input(params, extra, x)
        return self.networks["classifier"](params, extra, x, method="features")

    def _input(self, params: PyTree, extra: PyTree, x: Array) -> Array:
        """What is classified: x, or the frozen code of it."""
        if "features" not in self.networks:
            return x
        code = first_of(self.networks["features"](params, extra, x))
        return jax.lax.stop_gradient(code)


def _correct(logits: Array, label: Array) -> Array:
    return jnp.argmax(logits, axis=-1) == label
