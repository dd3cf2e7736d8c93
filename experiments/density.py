"""Densities: one network that says what an example costs, of examples or of frozen codes of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import jax
import jax.numpy as jnp

from genlab.errors import InputError
from genlab.game import rng
from genlab.game.experiment import Array, Experiment, PyTree
from genlab.game.gaussian import Gaussian
from genlab.game.network import initialize
from genlab.game.turn import Draw, Loss, Player, Turn
from genlab.models.density import Density as Module
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
    Gaussian encoder's codes are drawn, as its decoder has seen them.

    Attributes:
      likelihood: a registered likelihood, whose mean the renderer's outputs are brought to.

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
        networks = [(self.networks["density"], (x, key))]
        return initialize(key, {PLAYER: networks, **groups})

    def players(self) -> dict[str, Player]:
        return {PLAYER: Player(self._loss, self.optimizers[PLAYER])}

    def turns(self) -> tuple[Turn, ...]:
        return (Turn(PLAYER),)

    def _loss(self, params: PyTree, extra: PyTree, draw: Draw) -> Loss:
        x = self._seen(params, extra, draw.batch["x"], draw.key("features"))
        cost, extra = self.networks["density"].train(
            params, extra, x, draw.key("density"), key=draw.root
        )
        return Loss(self.objective_terms(draw, cost=cost, x=x), extra)

    def _seen(
        self, params: PyTree, extra: PyTree, x: Array, key: Array | None = None
    ) -> Array:
        """What the density is of: x, or the frozen code of it, drawn by the key where there is one."""
        if "features" not in self.networks:
            return x
        code = self.networks["features"](params, extra, x)
        if isinstance(code, tuple):
            code = code[0] if key is None else Gaussian(*code).draw(key)[0]
        return jax.lax.stop_gradient(code)

    def measure(self, params: PyTree, extra: PyTree, draw: Draw) -> dict[str, Array]:
        """Of held-out examples, or their codes, [B] each: the cost by its name, in nats, and what else
        the network says of them."""
        network = self.networks["density"]
        x = self._seen(params, extra, draw.batch["x"], draw.key("features"))
        values = {self._module().COST: network(params, extra, x, draw.key("density"))}
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
        """log p(x) of `x: [B, ...]` as it is, [B] nats; exact, whatever is asked for.

        Raises:
          InputError: the density is one of codes, or its cost is none of -log p(x).
        """
        del steps, exact
        cost = self._module().COST
        if "features" in self.networks or cost != Module.COST:
            what = "is of codes" if "features" in self.networks else f"has a {cost}"
            raise InputError(
                f"log p(x) is of a density of examples that is exact, and this one {what}"
            )
        return -self.networks["density"](params, extra, x, key, method="density_cost")

    def sample(self, params: PyTree, extra: PyTree, key: Array, num: int) -> Array:
        """Draws of the density, decoded where it is of codes: [num, *example_shape]."""
        z = self.networks["density"](params, extra, key, num, method="draw")
        return self._rendered(params, extra, z)

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
        z = rng.normal(key, (num, *self._module().example_shape))
        return self._rendered(params, extra, z)

    def encode(self, params: PyTree, extra: PyTree, x: Array) -> Array:
        """What the density infers of `x: [B, ...]`, or of its code: [B, K]."""
        x = self._seen(params, extra, x)
        return self._ask("code", params, extra, x)

    def decode(self, params: PyTree, extra: PyTree, z: Array) -> Array:
        """The mean of examples of `z: [B, K]`, decoded where the density is of codes: [B, ...]."""
        x = self._ask("mean", params, extra, z)
        return self._rendered(params, extra, x)

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
        outputs = self.networks["renderer"](params, extra, z)
        return mean_example(objectives.choose(self.likelihood), outputs)

    def _ask(self, method: str, params: PyTree, extra: PyTree, *inputs: Array) -> Array:
        if not hasattr(self._module(), method):
            raise InputError(
                f"model.density: {type(self._module()).__name__!r} has no {method!r}"
            )
        return self.networks["density"](params, extra, *inputs, method=method)
