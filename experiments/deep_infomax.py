"""Deep InfoMax: a code that tells much of its image, whole or part by part, and follows a prior."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import jax
import jax.numpy as jnp

from genlab.errors import InputError, suggest
from genlab.game import adversary, diagnostics, parallel, rng
from genlab.game.adversary import OFFER, Judged
from genlab.game.cast import Cast
from genlab.game.experiment import Array, Experiment, PyTree
from genlab.game.network import initialize
from genlab.game.turn import Draw, Loss, Player, Turn
from genlab.numbers import NonNegative
from genlab.objectives.information import scores_of_places
from genlab.part import name_of
from genlab.registry import experiments

LEARNER, SLOT = "learner", "adversary"
PRIORS = {
    "uniform": rng.uniform,
    "normal": rng.normal,
}


@experiments.register
@dataclass(frozen=True, kw_only=True)
class DeepInfomax(Experiment):
    """An encoder whose code y has high mutual information with local features of the image.

    Pairs are scored by T = phi(features) . psi(y), those of one image against those of two of the batch. The
    network `query` is psi; phi is `local`, of each place of the encoder's map, with the weight beta, and `whole`, of all
    of the map, with the weight alpha; one of both may be left out. The objective, a bound of the information such
    as `jensen_shannon`, `info_nce` or `donsker_varadhan`, is offered the scores of all pairs, [B, B], for each place
    alone. A discriminator tells codes, which play the fakes, from draws of a prior, and the encoder makes them
    alike, with the weight gamma. The learner moves first, the discriminator on the codes of the same draw.

    DIM(G) is alpha 1, beta 0, gamma 1, and DIM(L) alpha 0, beta 1, gamma 0.1.

    Attributes:
      alpha: weight of the information between the code and the whole map.
      beta: weight of that between the code and each place, their mean.
      gamma: weight of the learner's terms against the discriminator.
      adversary: a registered adversarial objective of the two.
      prior: of the code, `uniform` in [0, 1) or `normal`.

    Paper: Hjelm et al. 2019, arXiv:1808.06670
    """

    ROLES: ClassVar = ("encoder", "query", "discriminator")
    OPTIONAL_ROLES: ClassVar = ("local", "whole")
    PLAYERS: ClassVar = (LEARNER, "discriminator")
    OFFERS: ClassVar = {"objective": ("scores",), SLOT: OFFER}

    alpha: NonNegative = 0.0
    beta: NonNegative = 1.0
    gamma: NonNegative = 0.1
    adversary: str | Mapping = field(
        default="non_saturating", metadata={"part": "objectives"}
    )
    prior: str = "uniform"

    def __post_init__(self) -> None:
        """Refuses an unknown prior, an encoder without local features, and a game without information."""
        if self.prior not in PRIORS:
            hint = suggest(self.prior, PRIORS)
            raise InputError(f"experiment.prior={self.prior!r} is unknown{hint}")
        if not {"local", "whole"} & self.networks.keys():
            raise InputError(
                "deep_infomax scores local features, all of the map, or both: it needs model.local or"
                " model.whole"
            )
        for knob, role in (("alpha", "whole"), ("beta", "local")):
            weight = getattr(self, knob)
            if isinstance(weight, int | float) and weight and role not in self.networks:
                raise InputError(
                    f"experiment.{knob}={weight} weighs scores of model.{role}, which is not there; name it, or take"
                    f" {knob}=0.0"
                )
        encoder = self.networks["encoder"].module
        if not hasattr(encoder, "map_and_code"):
            raise InputError(
                f"deep_infomax needs an encoder with a method 'map_and_code', such as 'infomax_encoder';"
                f" {name_of(encoder)!r} has none"
            )

    def init(self, key: Array, batch: dict[str, Array]) -> tuple[PyTree, PyTree]:
        x, networks = batch["x"], self.networks
        shapes = networks["encoder"].shape_of_output(x, method="map_and_code")
        local, code = (jnp.zeros(one.shape, one.dtype) for one in shapes)
        seen = {"encoder": x, "query": code, "local": _places(local), "whole": local}
        mine = [(networks[role], (seen[role],)) for role in seen if role in networks]
        theirs = [(networks["discriminator"], (code,))]
        return initialize(key, {LEARNER: mine, "discriminator": theirs})

    def players(self) -> dict[str, Player]:
        losses = {
            LEARNER: self._learner_loss,
            "discriminator": self._discriminator_loss,
        }
        return {
            name: Player(loss, self.optimizers[name]) for name, loss in losses.items()
        }

    def turns(self) -> tuple[Turn, ...]:
        return (Turn(LEARNER), Turn("discriminator", fresh=False))

    def _learner_loss(self, params: PyTree, extra: PyTree, draw: Draw) -> Loss:
        cast = Cast(self.networks, params, extra, draw.root)
        local, code = cast("encoder", draw.batch["x"], method="map_and_code")
        terms = self._information(cast, draw, local, cast("query", code))
        judged, _ = self._judge(params, extra, draw, code)
        weighed, _ = adversary.weigh(self, extra, draw, judged, slot=SLOT)
        for name, term in weighed["generator"].items():
            terms[f"{SLOT}_{name}"] = self.gamma * term
        return Loss(terms, cast.extra)

    def _information(
        self, cast: Cast, draw: Draw, local: Array, query: Array
    ) -> dict[str, Array]:
        """The weighted terms of the objective, of the code with the whole map and with its places."""
        terms = {}
        if "whole" in cast:
            every = parallel.gather_batch(cast("whole", local))
            found = self.objective_terms(draw, scores=query @ every.T)
            terms |= {f"whole_{name}": self.alpha * v for name, v in found.items()}
        if "local" in cast:
            places = cast("local", _places(local))
            places = places.reshape(local.shape[0], -1, places.shape[-1])
            scores = scores_of_places(query, places)
            found = jax.vmap(lambda one: self.objective_terms(draw, scores=one))(scores)
            mean = lambda values: self.beta * jnp.mean(values, axis=0)
            terms |= {f"local_{name}": mean(v) for name, v in found.items()}
        return terms

    def _discriminator_loss(self, params: PyTree, extra: PyTree, draw: Draw) -> Loss:
        cast = Cast(self.networks, params, extra, draw.root)
        code = jax.lax.stop_gradient(cast("encoder", draw.batch["x"]))
        judged, extra = self._judge(params, extra, draw, code)
        weighed, extra = adversary.weigh(self, extra, draw, judged, slot=SLOT)
        told = diagnostics.verdicts(judged.real_logits, judged.fake_logits)
        return Loss(weighed["discriminator"], extra, told)

    def _judge(
        self, params: PyTree, extra: PyTree, draw: Draw, code: Array
    ) -> tuple[Judged, PyTree]:
        """The discriminator's verdicts on draws of the prior and on codes `[B, Z]`."""
        prior = PRIORS[self.prior](draw.key("prior"), code.shape)
        shown = (prior,), (code,)
        return adversary.judge(
            self, "discriminator", params, extra, draw, *shown, slot=SLOT
        )

    def encode(self, params: PyTree, extra: PyTree, x: Array) -> Array:
        """The code y of `x: [B, ...]`: [B, Z]."""
        return self.networks["encoder"](params, extra, x)


def _places(local: Array) -> Array:
    """Each place of a map `[B, h, w, C]` as an example of its own: [B h w, C]."""
    return local.reshape(-1, local.shape[-1])
