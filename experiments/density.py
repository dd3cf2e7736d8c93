"""Densities: one network that says what an example costs, of examples or of frozen codes of them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import jax
import jax.numpy as jnp

from genlab.errors import InputError
from genlab.game import codebook, rng
from genlab.game.experiment import Array, Experiment, PyTree
from genlab.game.gaussian import Gaussian
from genlab.game.network import initialize
from genlab.game.turn import Draw, Loss, Player, Turn
from genlab.models.density import CANNOT
from genlab.models.density import Density as Module
from genlab.nn import levels
from genlab.numbers import Whole
from genlab.objectives.likelihood import mean_example
from genlab.part import name_of
from genlab.registry import experiments, objectives

PLAYER = "density"


@experiments.register
@dataclass(frozen=True, kw_only=True)
class Density(Experiment):
    """One player that lowers the cost of examples in nats, -log p(x) or a bound on it.

    How it infers what it does not see is the network's own: `gaussian_mixture` and `factor_analysis`
    have exact posteriors, so that a round is a step of EM; `sparse_dictionary` takes the most probable
    code; no encoder is trained.

    With the frozen networks `features` and `renderer`, an encoder and its decoder, the density is one of
    codes, and what is drawn of it is decoded: an ex-post sampler of any trained autoencoder or VAE. A
    Gaussian encoder's codes are drawn, as its decoder has seen them. Of a `vq_vae` it is one of the
    places of codes in the codebook, which comes with its encoder: the prior that it lacks.

    Attributes:
      likelihood: a registered likelihood, whose mean the renderer's outputs are brought to.
      codes: in the codebook of `features`; 0 for features without one.
      num_classes: of the data, of which samples are drawn evenly where the network takes a label.

    Paper: ex-post: Ghosh et al. 2020, arXiv:1903.12436
    """

    ROLES: ClassVar = ("density",)
    OPTIONAL_ROLES: ClassVar = ("features", "renderer")
    PLAYERS: ClassVar = (PLAYER,)
    OFFERS: ClassVar = {
        "objective": ("cost", "x"),
        "likelihood": ("outputs", "targets"),
    }

    likelihood: str | Mapping = field(
        default="squared_error", metadata={"part": "objectives"}
    )
    codes: Whole = 0
    num_classes: Whole = 0

    def __post_init__(self) -> None:
        """Refuses networks that do not go together."""
        if not isinstance(self._module(), Module):
            raise InputError(
                f"model.density: {name_of(self._module())!r} says no cost of examples; take a density,"
                " such as 'gaussian_mixture'"
            )
        if "renderer" in self.networks and "features" not in self.networks:
            raise InputError(
                "model.renderer decodes the codes of model.features, and there is none"
            )
        if self.codes and "features" not in self.networks:
            raise InputError(
                f"experiment.codes={self.codes} are in the codebook of model.features, and there is none"
            )
        if self.codes and self.own_levels != self.codes:
            raise InputError(
                f"model.density must have as many levels as experiment.codes={self.codes}, not {self.own_levels}"
            )

    def check_data(self, low: float, high: float) -> None:
        """Raises InputError where levels have another range than examples in [low, high]."""
        if "features" not in self.networks:
            levels.check_range(self._module(), low, high)

    def check_levels(self, counts: Sequence[int]) -> None:
        """Raises InputError where the levels are not as many as the data may be said to have."""
        if "features" not in self.networks:
            levels.check_count(self._module(), counts)

    @property
    def own_levels(self) -> int:
        """Levels of which `log_density` is the log probability, or a bound on it; 0 where it is a density."""
        return levels.count_of(self._module())

    @property
    def noise_in_levels(self) -> str:
        """What they are filled with: `uniform` noise or `learned`; `no` where they stay whole."""
        if not hasattr(module := self._module(), "dequantized"):
            return "no"
        return "uniform" if module.dequantizer is None else "learned"

    def _module(self) -> Module:
        return self.networks["density"].module

    def init(self, key: Array, batch: dict[str, Array]) -> tuple[PyTree, PyTree]:
        x, groups = batch["x"], {}
        if "features" in self.networks:
            features = self.networks["features"]
            groups["frozen"] = [(features, (x,))]
            code = features.shape_of_output(x)
            code = code[0] if isinstance(code, tuple) else code
            x = jnp.zeros(code.shape, code.dtype)
            if "renderer" in self.networks:
                groups["frozen"].append((self.networks["renderer"], (x,)))
        if self.codes:
            book = codebook.first(key, self.codes, x.shape[-1])
            x = x[..., :1]
        networks = [(self.networks["density"], (x, key))]
        groups = {PLAYER: networks, **groups}
        params, extra = initialize(key, groups, batch.get("label"))
        if self.codes:
            extra = {**extra, codebook.COLLECTION: {"features": book}}
        return params, extra

    def players(self) -> dict[str, Player]:
        return {PLAYER: Player(self._loss, self.optimizers[PLAYER])}

    def turns(self) -> tuple[Turn, ...]:
        return (Turn(PLAYER),)

    def _loss(self, params: PyTree, extra: PyTree, draw: Draw) -> Loss:
        x = self._seen(params, extra, draw.batch["x"], draw.key("features"))
        cost, extra = self.networks["density"].train(
            params,
            extra,
            x,
            draw.key("density"),
            key=draw.root,
            label=draw.batch.get("label"),
        )
        return Loss(self.objective_terms(draw, cost=cost, x=x), extra)

    def _seen(
        self, params: PyTree, extra: PyTree, x: Array, key: Array | None = None
    ) -> Array:
        """What the density is of: x, or the frozen code of it, drawn by the key where there is one; of codes in
        a codebook their places, as numbers."""
        if "features" not in self.networks:
            return x
        code = self.networks["features"](params, extra, x)
        if self.codes:
            code = codebook.nearest(_book(extra), code)[..., None]
            return jax.lax.stop_gradient(code.astype(jnp.float32))
        if isinstance(code, tuple):
            code = code[0] if key is None else Gaussian(*code).draw(key)[0]
        return jax.lax.stop_gradient(code)

    def measure(self, params: PyTree, extra: PyTree, draw: Draw) -> dict[str, Array]:
        """Of held-out examples, or their codes, [B] each: the cost by its name, in nats; of levels, behind noise a
        bound by one draw, also in bits for each number, `bits_per_dimension`; and what else the network says."""
        network, label = self.networks["density"], draw.batch.get("label")
        x = self._seen(params, extra, draw.batch["x"], draw.key("features"))
        cost = network(params, extra, x, draw.key("density"), label=label)
        values = {self._module().COST: self._nats(cost)}
        if self.own_levels:
            values["bits_per_dimension"] = self._module().bits_per_dimension(cost)
        if hasattr(self._module(), "scores"):
            values |= network(params, extra, x, method="scores")
        return values

    def log_density(
        self,
        params: PyTree,
        extra: PyTree,
        x: Array,
        key: Array,
        *,
        steps: int = 0,
        exact: bool = True,
    ) -> Array:
        """log p(x) of `x: [B, ...]` as it is, [B] nats; exact, whatever is asked for. Of levels their log
        probability, or where noise fills them a lower bound on it, by one draw.

        Raises:
          InputError: the density is one of codes, or its cost is none of -log p(x).
        """
        del steps, exact
        coded, cost = "features" in self.networks, self._module().COST
        if coded or cost != Module.COST:
            what = "is of codes" if coded else f"has a {cost}"
            raise InputError(
                f"log p(x) is of a density of examples that is exact, and this one {what}"
            )
        return -self._nats(self.networks["density"](params, extra, x, key))

    def _nats(self, cost: Array) -> Array:
        """The cost, [B]; of levels behind noise that of the levels."""
        if self.noise_in_levels == "no" or not self.own_levels:
            return cost
        module = self._module()
        return math.log(2) * module.size * module.bits_per_dimension(cost)

    def sample(self, params: PyTree, extra: PyTree, key: Array, num: int) -> Array:
        """Draws of the density, decoded where it is of codes: [num, *example_shape]; classes drawn evenly where
        the network takes one."""
        label = None
        if self.networks["density"].takes_label:
            label = rng.classes(key, num, self.num_classes)
        return self._drawn(params, extra, key, num, label)

    def sample_classes(
        self, params: PyTree, extra: PyTree, label: Array, key: Array
    ) -> Array:
        """Draws given classes, `label: [N]`: [N, *example_shape].

        Raises:
          InputError: the network takes no label.
        """
        self.networks["density"].need_label("samples of a class")
        return self._drawn(params, extra, key, label.shape[0], label)

    def _drawn(
        self, params: PyTree, extra: PyTree, key: Array, num: int, label: Array | None
    ) -> Array:
        draw = {"label": label, "method": "draw"}
        z = self.networks["density"](params, extra, key, num, **draw)
        return self._rendered(params, extra, z)

    def complete(
        self, params: PyTree, extra: PyTree, x: Array, known: Array, key: Array
    ) -> Array:
        """One draw of what is not `known: [...]` bool of `x: [B, ...]`, given what is: [B, ...].

        Raises:
          InputError: the density is one of codes, or cannot.
        """
        if "features" in self.networks:
            raise InputError("a density of codes completes no examples")
        return self._ask("complete", params, extra, x, known, key)

    def sample_prior(
        self, params: PyTree, extra: PyTree, key: Array, num: int
    ) -> Array:
        """What the decoder makes of standard normal codes instead: [num, *example_shape].

        Raises:
          InputError: the density is not one of codes.
        """
        if "renderer" not in self.networks:
            raise InputError(
                "samples of a prior are of an ex-post density, of codes; give the model the frozen"
                " networks features and renderer"
            )
        shape = (num, *self._module().example_shape)
        return self._rendered(params, extra, rng.normal(key, shape))

    def encode(self, params: PyTree, extra: PyTree, x: Array) -> Array:
        """What the density infers of `x: [B, ...]`, or of its code: [B, K]."""
        x = self._seen(params, extra, x)
        return self._ask("code", params, extra, x)

    def decode(self, params: PyTree, extra: PyTree, z: Array) -> Array:
        """The mean of examples of `z: [B, K]`, decoded where the density is of codes: [B, ...]."""
        return self._rendered(params, extra, self._ask("mean", params, extra, z))

    def reconstruct(self, params: PyTree, extra: PyTree, x: Array) -> Array:
        """`decode` of what is inferred of `x: [B, ...]`."""
        return self.decode(params, extra, self.encode(params, extra, x))

    def filters(self, params: PyTree, extra: PyTree) -> Array:
        """What the density is made of, as examples: [K, D]."""
        return self._ask("filters", params, extra)

    def _rendered(self, params: PyTree, extra: PyTree, z: Array) -> Array:
        if "features" not in self.networks:
            return z
        if "renderer" not in self.networks:
            raise InputError(
                "this density is of codes, and nothing decodes them; give the model a frozen renderer"
            )
        if self.codes:
            places = z[..., 0].astype(jnp.int32)
            z = codebook.looked_up(_book(extra), places)
        outputs = self.networks["renderer"](params, extra, z)
        return mean_example(objectives.choose(self.likelihood), outputs)

    def _ask(self, method: str, params: PyTree, extra: PyTree, *inputs: Array) -> Array:
        module = self._module()
        if not hasattr(module, method):
            told = f"{name_of(module)!r} {CANNOT[method]}"
            raise InputError(f"model.density: {told}")
        return self.networks["density"](params, extra, *inputs, method=method)


def _book(extra: PyTree) -> codebook.Codebook:
    return extra[codebook.COLLECTION]["features"]
