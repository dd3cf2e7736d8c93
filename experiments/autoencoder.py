"""Autoencoders: plain, denoising, sparse, contractive, stacked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import jax
import jax.numpy as jnp

from genlab.errors import InputError
from genlab.game.experiment import Array, Experiment, PyTree
from genlab.game.network import initialize
from genlab.game.slots import parts_in
from genlab.game.turn import Draw, Loss, Player, Turn
from genlab.models.dense import TiedDecoder
from genlab.numbers import Fraction
from genlab.objectives.activation import check_decay, first_mean, mean_activations
from genlab.objectives.likelihood import check_range, mean_example, target_entropy
from genlab.objectives.regularizer import Encoding
from genlab.part import check_array, name_of, says
from genlab.registry import experiments

PLAYER = "autoencoder"
ACTIVE = 0.01  # a unit of the code beyond it is active


@experiments.register
@dataclass(frozen=True, kw_only=True)
class Autoencoder(Experiment):
    """An encoder f and a decoder g that together minimise L(x, g(f(x))).

    The objective L is one of outputs and examples, `bernoulli` (of logits) or `squared_error`. With
    `corruption` the encoder sees a corrupted x and the decoder restores the clean one. Networks in
    the optional role `features` are frozen: what is encoded and decoded is then their code of x,
    which is how one layer of a stack is trained. A `tied_decoder` has the encoder's kernels,
    transposed.

    Attributes:
      corruption: a registered corruption of what the encoder sees in training.
      regularizer: a registered regularizer of the code, or of the decoder at it.
      mean_decay: share of the old in the running mean activations that a regularizer such as
        `kl_sparsity` looks at; None takes the mean of each batch alone.

    Papers: Hinton & Salakhutdinov 2006, Science 313:504-507; Vincent et al. 2010, JMLR 11:3371-3408;
      Rifai et al. 2011, ICML
    """

    ROLES: ClassVar = ("encoder", "decoder")
    OPTIONAL_ROLES: ClassVar = ("features",)
    PLAYERS: ClassVar = (PLAYER,)
    OFFERS: ClassVar = {
        "objective": ("outputs", "targets", "x", "code"),
        "corruption": ("x",),
        "regularizer": ("encoding", "code", "x", "decoder", "decode"),
    }

    corruption: str | Mapping | None = field(
        default=None, metadata={"part": "corruptions"}
    )
    regularizer: str | Mapping | None = field(
        default=None, metadata={"part": "objectives"}
    )
    mean_decay: Fraction | None = None

    def __post_init__(self) -> None:
        """Refuses knobs of corruption and regularizer while they are numbers, before any tracing."""
        code = jnp.zeros((2, 3))
        batch = {"x": code, "label": jnp.zeros(2, jnp.int32)}
        draw = Draw(batch, jax.random.key(0), jnp.zeros((), jnp.int32))
        if self.corruption is not None:
            ask = lambda draw: self.ask("corruption", draw, x=code)
            seen, what = jax.eval_shape(ask, draw), f"corruption {self.corruption!r}"
            check_array(what, seen, code, same=True)
        if self.regularizer is not None:
            self._check_codes()
            closed = lambda x: (x, jnp.ones(3))
            slopes = closed if self._has_closed_form() else None
            blank = Encoding(lambda x: x, code, code, jnp.full(3, 0.5), slopes)
            seen = {"encoding": blank, "code": code, "x": code, "decoder": code}
            seen["decode"] = lambda z: z
            jax.eval_shape(lambda draw: self.ask("regularizer", draw, **seen), draw)
        check_decay(self.regularizer, self.mean_decay)

    def _check_codes(self) -> None:
        """Raises InputError for a regularizer of codes in (0, 1) on an encoder that says that its are others."""
        module = self.networks["encoder"].module
        for name, part in parts_in(self, "regularizer").items():
            if (
                says(part, "needs_unit_codes", False)
                and not getattr(module, "has_unit_codes", lambda: True)()
            ):
                raise InputError(
                    f"regularizer {name!r} is of sigmoid units, whose mean is in (0, 1), and model.encoder has others;"
                    " take code_activation='sigmoid', or 'l1_sparsity'"
                )

    def check_data(self, low: float, high: float) -> None:
        """Raises InputError where examples in [low, high] have no likelihood by the objective."""
        if "features" not in self.networks:
            check_range(self.objective, low, high)

    def _has_closed_form(self) -> bool:
        module = self.networks["encoder"].module
        return hasattr(module, "has_closed_form") and module.has_closed_form()

    def init(self, key: Array, batch: dict[str, Array]) -> tuple[PyTree, PyTree]:
        x, groups = batch["x"], {}
        if "features" in self.networks:
            features = self.networks["features"]
            groups["frozen"] = [(features, (x,))]
            x = _zeros(features.shape_of_output(x))
        encoder, decoder = self.networks["encoder"], self.networks["decoder"]
        code = encoder.shape_of_output(x)
        if not isinstance(code, jax.ShapeDtypeStruct):
            raise InputError(
                f"an autoencoder needs an encoder with one output, its code, and"
                f" {name_of(encoder.module)!r} has {len(code)}"
            )
        z = _zeros(code)
        draw = Draw(batch, key, jnp.zeros((), jnp.int32))
        jax.eval_shape(lambda: self._distance(draw, x, x, z))  # its knobs
        params, extra = initialize(key, {PLAYER: [(encoder, (x,))], **groups})
        inputs = (z, *self._kernels(params))
        decoding, variables = initialize(key, {PLAYER: [(decoder, inputs)]})
        params[PLAYER] |= decoding[PLAYER]
        for collection, roles in variables.items():
            extra[collection] = {**extra.get(collection, {}), **roles}
        if self.mean_decay is not None:
            extra |= first_mean(z.shape[1])
        return params, extra

    def players(self) -> dict[str, Player]:
        return {PLAYER: Player(self._loss, self.optimizers[PLAYER])}

    def turns(self) -> tuple[Turn, ...]:
        return (Turn(PLAYER),)

    def _loss(self, params: PyTree, extra: PyTree, draw: Draw) -> Loss:
        x = self._input(params, extra, draw.batch["x"])
        seen = x
        if self.corruption is not None:
            seen = self.ask("corruption", draw, x=x)
        encoder, decoder = self.networks["encoder"], self.networks["decoder"]
        code, renewed = encoder.train(params, extra, seen, key=draw.root)
        kernels = self._kernels(params)
        outputs, renewed = decoder.train(params, renewed, code, *kernels, key=draw.root)
        terms = {"reconstruction": self._distance(draw, outputs, x, code)}
        if self.regularizer is not None:
            encoding, renewed = self._encoding(params, extra, renewed, draw, x)
            seen = {"encoding": encoding, "code": encoding.code, "x": x}
            seen["decoder"] = params[PLAYER]["decoder"]
            seen["decode"] = lambda z: decoder.train(
                params, extra, z, *kernels, key=draw.root
            )[0]
            terms["regularization"] = self.ask("regularizer", draw, **seen)
        metrics = {
            "mean_activation": jnp.mean(code, axis=-1),
            "active_share": _active_share(code),
        }
        return Loss(terms, renewed, metrics)

    def _distance(self, draw: Draw, outputs: Array, x: Array, code: Array) -> Array:
        """The objective, of outputs and what they are to be."""
        seen = {"outputs": outputs, "targets": x, "x": x, "code": code}
        return self.ask("objective", draw, **seen)

    def _encoding(
        self, params: PyTree, extra: PyTree, renewed: PyTree, draw: Draw, x: Array
    ) -> tuple[Encoding, PyTree]:
        """The encoder at clean x, and `renewed` with the running mean of its code."""
        encoder = self.networks["encoder"]

        def encode(x: Array) -> Array:
            return encoder.train(params, extra, x, key=draw.root)[0]

        slopes = None
        if self._has_closed_form():
            weights = params[PLAYER]["encoder"]
            slopes = lambda x: encoder.module.slopes(weights, x)
        code = encode(x)
        mean, renewed = mean_activations(code, renewed, decay=self.mean_decay)
        return Encoding(encode, x, code, mean, slopes), renewed

    def _kernels(self, params: PyTree) -> list[Array]:
        """What a tied decoder takes over from the encoder; nothing for any other."""
        encoder, decoder = (self.networks[role].module for role in self.ROLES)
        if not isinstance(decoder, TiedDecoder):
            return []
        if not hasattr(encoder, "kernels"):
            raise InputError(
                f"tied weights need a dense encoder, not {name_of(encoder)!r}; take"
                " 'dense_encoder', or a decoder with weights of its own"
            )
        return encoder.kernels(params[PLAYER]["encoder"])

    def _input(self, params: PyTree, extra: PyTree, x: Array) -> Array:
        """What is encoded: x, or the frozen code of it."""
        if "features" not in self.networks:
            return x
        return jax.lax.stop_gradient(self.networks["features"](params, extra, x))

    def measure(self, params: PyTree, extra: PyTree, draw: Draw) -> dict[str, Array]:
        """Of clean held-out examples, [B] each: the objective (its unit), half the squared error of
        the reconstruction, and the share of code units beyond 0.01."""
        x = self._input(params, extra, draw.batch["x"])
        code = self.networks["encoder"](params, extra, x)
        outputs = self._outputs(params, extra, code)
        gap = mean_example(self.objective, outputs) - x
        axes = tuple(range(1, x.ndim))
        return {
            "reconstruction": self._distance(draw, outputs, x, code),
            "squared_error": 0.5 * jnp.sum(jnp.square(gap), axis=axes),
            "active_share": _active_share(code),
            **target_entropy(self.objective, x),
        }

    def encode(self, params: PyTree, extra: PyTree, x: Array) -> Array:
        """f(x): [B, K] of clean `x: [B, ...]`."""
        return self.networks["encoder"](params, extra, self._input(params, extra, x))

    def decode(self, params: PyTree, extra: PyTree, z: Array) -> Array:
        """g(z), the mean of what is reconstructed, of codes `z: [B, K]`.

        Raises:
          InputError: behind frozen features g(z) is their code, and no example.
        """
        if "features" in self.networks:
            raise InputError(
                "this autoencoder decodes the code of the frozen layers below it, not examples;"
                " take a metric or plot of codes, or one of the whole stack"
            )
        return mean_example(self.objective, self._outputs(params, extra, z))

    def reconstruct(self, params: PyTree, extra: PyTree, x: Array) -> Array:
        """g(f(x)) of `x: [B, ...]`."""
        return self.decode(params, extra, self.encode(params, extra, x))

    def _outputs(self, params: PyTree, extra: PyTree, z: Array) -> Array:
        return self.networks["decoder"](params, extra, z, *self._kernels(params))

    def filters(self, params: PyTree, extra: PyTree) -> Array:
        """The first layer's receptive filters, [K, D], of a dense encoder."""
        del extra
        role = "features" if "features" in self.networks else "encoder"
        module = self.networks[role].module
        if not hasattr(module, "kernels"):
            raise InputError(
                f"receptive filters need a dense encoder, not {name_of(module)!r}"
            )
        player = "frozen" if role == "features" else PLAYER
        return module.kernels(params[player][role])[0].T


def _active_share(code: Array) -> Array:
    """The share of active units in each code of `code: [B, K]`: [B] in [0, 1]."""
    return jnp.mean((jnp.abs(code) > ACTIVE).astype(jnp.float32), axis=-1)


def _zeros(shape: jax.ShapeDtypeStruct) -> Array:
    return jnp.zeros(shape.shape, shape.dtype)
