"""Several tasks on one encoder: the class of an example, by how much it was turned, what it looks like."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import jax
import jax.numpy as jnp

from genlab.data.rotation import check_rotations, rotated
from genlab.errors import InputError
from genlab.game import rng
from genlab.game.cast import Cast
from genlab.game.experiment import Array, Experiment, PyTree
from genlab.game.network import initialize
from genlab.game.turn import Draw, Loss, Player, Turn
from genlab.models.headed import first_of
from genlab.numbers import NonNegative
from genlab.objectives.likelihood import check_range, cross_entropy, mean_example
from genlab.registry import experiments, objectives

PLAYER = "learner"
HEADS = ("classifier", "rotator", "decoder")
ROTATIONS = 4


@experiments.register
@dataclass(frozen=True, kw_only=True)
class MultiTask(Experiment):
    """One encoder under several heads, which share all of it, each with its loss and its weight.

    Heads are the optional roles, one or more of them; each sees the code of the encoder, of a posterior
    its mean. `classifier` makes logits of the classes, which the objective judges by the label,
    `cross_entropy`. `rotator` makes four logits, of the quarters that the image was turned by; it is
    shown each image turned by quarters drawn for it. `decoder` makes the example, which a likelihood judges.
    With one head alone it is the single task beside which several are compared.

    Attributes:
      class_weight, rotation_weight, reconstruction_weight: of the heads' losses, 0 or more.
      likelihood: a registered likelihood of the example given the decoder's output.

    Papers: Caruana 1997, Machine Learning 28:41-75; Gidaris et al. 2018, arXiv:1803.07728
    """

    ROLES: ClassVar = ("encoder",)
    OPTIONAL_ROLES: ClassVar = HEADS
    PLAYERS: ClassVar = (PLAYER,)
    OFFERS: ClassVar = {
        "objective": ("logits", "x"),
        "likelihood": ("outputs", "targets"),
    }

    class_weight: NonNegative = 1.0
    rotation_weight: NonNegative = 1.0
    reconstruction_weight: NonNegative = 1.0
    likelihood: str | Mapping = field(
        default="bernoulli", metadata={"part": "objectives"}
    )

    def __post_init__(self) -> None:
        """Refuses an encoder without any head."""
        if not self._heads:
            raise InputError(
                f"multi_task needs a head: a network in model.{', model.'.join(HEADS)}, one or more"
            )

    @property
    def _heads(self) -> list[str]:
        return [role for role in HEADS if role in self.networks]

    @property
    def _likelihood(self) -> Callable:
        return objectives.choose(self.likelihood)

    def check_data(self, low: float, high: float) -> None:
        """Raises InputError where examples in [low, high] leave the likelihood's support."""
        if "decoder" in self.networks:
            check_range(self._likelihood, low, high)

    def init(self, key: Array, batch: dict[str, Array]) -> tuple[PyTree, PyTree]:
        x = batch["x"]
        if "rotator" in self.networks:
            check_rotations(ROTATIONS, x.shape[1:])
        encoder = self.networks["encoder"]
        code = jax.eval_shape(first_of, encoder.shape_of_output(x))
        blank = jnp.zeros(code.shape, code.dtype)
        self._check("rotator", blank, (x.shape[0], ROTATIONS))
        self._check("decoder", blank, x.shape)
        heads = [(self.networks[role], (blank,)) for role in self._heads]
        return initialize(key, {PLAYER: [(encoder, (x,)), *heads]})

    def players(self) -> dict[str, Player]:
        return {PLAYER: Player(self._loss, self.optimizers[PLAYER])}

    def turns(self) -> tuple[Turn, ...]:
        return (Turn(PLAYER),)

    def _loss(self, params: PyTree, extra: PyTree, draw: Draw) -> Loss:
        cast = Cast(self.networks, params, extra, draw.root)
        losses, right = self._tasks(cast, draw)
        weights = {
            "cross_entropy": self.class_weight,
            "rotation": self.rotation_weight,
            "reconstruction": self.reconstruction_weight,
        }
        terms = {name: weights[name] * loss for name, loss in losses.items()}
        return Loss(terms, cast.extra, right)

    def _tasks(
        self, cast: Cast, draw: Draw
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        """The loss of each head, and whether it is right where it names something: [B] each."""
        x, losses, right = draw.batch["x"], {}, {}
        code = None
        if {"classifier", "decoder"} & set(self._heads):
            code = first_of(cast("encoder", x))
        if "classifier" in cast:
            logits = cast("classifier", code)
            losses["cross_entropy"] = self.ask("objective", draw, logits=logits, x=x)
            right["accuracy"] = _right(logits, draw.batch["label"])
        if "decoder" in cast:
            outputs = cast("decoder", code)
            losses["reconstruction"] = self.ask(
                "likelihood", draw, outputs=outputs, targets=x
            )
        if "rotator" in cast:
            turn = rng.classes(draw.key("turn"), x.shape[0], ROTATIONS)
            logits = cast("rotator", first_of(cast("encoder", rotated(x, turn))))
            losses["rotation"] = cross_entropy(logits, turn)
            right["rotation_accuracy"] = _right(logits, turn)
        return losses, right

    def measure(self, params: PyTree, extra: PyTree, draw: Draw) -> dict[str, Array]:
        """Of held-out examples each head's loss, nats where it is a likelihood, without its weight, and
        whether class and turn are found, 0 or 1: [B] each."""
        losses, right = self._tasks(Cast(self.networks, params, extra), draw)
        return {**losses, **right}

    def encode(self, params: PyTree, extra: PyTree, x: Array) -> Array:
        """The code of `x: [B, ...]` that all heads see: [B, Z]."""
        return first_of(self.networks["encoder"](params, extra, x))

    def reconstruct(self, params: PyTree, extra: PyTree, x: Array) -> Array:
        """What the decoder makes of the code of `x: [B, ...]`.

        Raises:
          InputError: there is no decoder.
        """
        if "decoder" not in self.networks:
            raise InputError(
                "this multi_task has no head that reconstructs; choose one as model.decoder"
            )
        code = self.encode(params, extra, x)
        outputs = self.networks["decoder"](params, extra, code)
        return mean_example(self._likelihood, outputs)

    def _check(self, role: str, code: Array, wanted: tuple[int, ...]) -> None:
        """Raises InputError where a head makes another shape of a code."""
        if role not in self.networks:
            return
        made = self.networks[role].shape_of_output(code)
        if getattr(made, "shape", None) != wanted:
            raise InputError(
                f"model.{role} makes {getattr(made, 'shape', made)} of codes {code.shape}, and"
                f" {wanted} is needed"
            )


def _right(logits: Array, label: Array) -> Array:
    return jnp.argmax(logits, axis=-1) == label
