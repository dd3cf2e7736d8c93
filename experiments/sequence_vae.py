"""Variational autoencoders of sequences whose decoder sees what it wrote before."""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp

from genlab.errors import InputError
from genlab.game import rng
from genlab.game.experiment import Array, Experiment, PyTree
from genlab.game.gaussian import Gaussian, reparameterize, standard_normal_log_prob
from genlab.game.network import initialize
from genlab.game.turn import Draw, Loss, Player, Turn
from genlab.models.sequence import check_tokens
from genlab.numbers import Count, Fraction, NonNegative
from genlab.objectives.divergence import gaussian_kl
from genlab.objectives.likelihood import check_range
from genlab.objectives.sequence import categorical
from genlab.part import name_of
from genlab.registry import experiments


@experiments.register
@dataclass(frozen=True, kw_only=True)
class SequenceVae(Experiment):
    """The VAE of one-hot tokens with an autoregressive decoder, p(x|z) = prod_t p(x_t | x_<t, z).

    q(z|x) is a diagonal Gaussian, p(z) the standard normal. While it trains, the decoder goes on after a
    step with the true token with probability `teacher_forcing`, and with a draw from its own softmax
    otherwise: scheduled sampling, by a schedule in the place of the number. At 1 the reconstruction is
    -log p(x|z), and what is measured is that always. Decoded codes are the likeliest token after the
    likeliest token; samples are draws.

    The objective is offered the reconstruction and the KL, [B] each; x and outputs, logits, [B, T, V]; z,
    mean and log-variance of q(z|x), [B, Z].

    Attributes:
      latent_dim: length of z.
      teacher_forcing: probability that the decoder goes on with the true token.
      temperature: of samples; 0 always takes the likeliest token.
      example_shape: (T, V) of the data.

    Papers: Bowman et al. 2016, arXiv:1511.06349; Roberts et al. 2018, arXiv:1803.05428; scheduled
      sampling: Bengio et al. 2015, arXiv:1506.03099
    """

    DECODER: ClassVar = "decoder"
    likelihood: ClassVar = "categorical"
    ROLES: ClassVar = ("encoder", "decoder")
    PLAYERS: ClassVar = ("vae",)
    OFFERS: ClassVar = {
        "objective": (
            *("reconstruction", "kl"),
            *("x", "outputs", "z", "mean", "log_variance"),
        )
    }

    latent_dim: Count = 256
    teacher_forcing: Fraction = 1.0
    temperature: NonNegative = 1.0
    example_shape: Sequence[Count] = ()

    def __post_init__(self) -> None:
        """Refuses examples that are no tokens, and a decoder that does not see those before."""
        check_tokens("sequence_vae", self.example_shape)
        module = self.networks["decoder"].module
        if "target" not in inspect.signature(type(module).__call__).parameters:
            raise InputError(
                f"model.decoder, {name_of(module)!r}, does not see the tokens before; take"
                " 'sequence_decoder' or 'hierarchical_decoder'"
            )

    def init(self, key: Array, batch: dict[str, Array]) -> tuple[PyTree, PyTree]:
        x = batch["x"]
        z = jnp.zeros((x.shape[0], self.latent_dim))
        seen = (z, x, jnp.zeros(x.shape[:2], bool), jnp.zeros(x.shape))
        encoder, decoder = (self.networks[role] for role in self.ROLES)
        return initialize(key, {"vae": [(encoder, (x,)), (decoder, seen)]})

    def players(self) -> dict[str, Player]:
        return {"vae": Player(self._loss, self.optimizers["vae"])}

    def turns(self) -> tuple[Turn, ...]:
        return (Turn("vae"),)

    def check_data(self, low: float, high: float) -> None:
        """Raises InputError where examples in [low, high] are not in [0, 1]."""
        check_range(categorical, low, high)

    def _loss(self, params: PyTree, extra: PyTree, draw: Draw) -> Loss:
        x = draw.batch["x"]
        encoder, decoder = (self.networks[role] for role in self.ROLES)
        posterior, extra = encoder.train(params, extra, x, key=draw.root)
        z = reparameterize(draw.key("latent"), *posterior)
        own = rng.bernoulli(draw.key("teacher"), 1 - self.teacher_forcing, x.shape[:2])
        noise = _gumbel(draw.key("tokens"), x.shape)
        outputs, extra = decoder.train(params, extra, z, x, own, noise, key=draw.root)
        reconstruction, kl = categorical(outputs, x), gaussian_kl(*posterior)
        terms = self.objective_terms(
            draw,
            reconstruction=reconstruction,
            kl=kl,
            x=x,
            outputs=outputs,
            z=z,
            mean=posterior[0],
            log_variance=posterior[1],
        )
        metrics = {
            "unweighted_kl": kl,
            "accuracy": jnp.argmax(outputs, -1) == jnp.argmax(x, -1),
            "own_tokens": own.astype(jnp.float32),
        }
        return Loss(terms, extra, metrics)

    def measure(self, params: PyTree, extra: PyTree, draw: Draw) -> dict[str, Array]:
        """The bound without beta or free bits on held-out examples, [B], nats."""
        x = draw.batch["x"]
        posterior = self.posterior(params, extra, x)
        z = reparameterize(draw.key("latent"), *posterior)
        reconstruction = categorical(self._forced(params, extra, z, x), x)
        kl = gaussian_kl(*posterior)
        return {
            "negative_elbo": reconstruction + kl,
            "reconstruction": reconstruction,
            "kl": kl,
        }

    def log_weights(
        self, params: PyTree, extra: PyTree, draw: Draw, samples: int
    ) -> Array:
        """log p(x, z) - log q(z|x) of draws from q(z|x): [B, samples], nats."""
        (z,), ratio = self.draw_latents(params, extra, draw, samples)
        x = jnp.repeat(draw.batch["x"], samples, axis=0)
        outputs = self._forced(params, extra, z.reshape(len(x), -1), x)
        return -ratio - categorical(outputs, x).reshape(ratio.shape)

    def draw_latents(
        self, params: PyTree, extra: PyTree, draw: Draw, samples: int
    ) -> tuple[tuple[Array], Array]:
        """Draws from q(z|x), [B, samples, Z], and log q(z|x) - log p(z), [B, samples]."""
        gaussian = Gaussian(*self.posterior(params, extra, draw.batch["x"]))
        z, log_q = gaussian.draw(draw.key("latent"), samples)
        ratio = log_q - standard_normal_log_prob(z)
        return (z.reshape(-1, samples, self.latent_dim),), ratio.reshape(-1, samples)

    def posterior(self, params: PyTree, extra: PyTree, x: Array) -> tuple[Array, Array]:
        """Mean and log-variance of q(z|x): `[B, latent_dim]` each of `x: [B, T, V]`."""
        return self.networks["encoder"](params, extra, x)

    def encode(self, params: PyTree, extra: PyTree, x: Array) -> Array:
        """Mean of q(z|x): `[B, latent_dim]` of `x: [B, T, V]`."""
        return self.posterior(params, extra, x)[0]

    def predict(self, params: PyTree, extra: PyTree, x: Array) -> Array:
        """p(x_t | x_<t, z) of every token after the true ones, at the mean of q(z|x): `[B, T, V]`."""
        z = self.encode(params, extra, x)
        return jax.nn.softmax(self._forced(params, extra, z, x))

    def decode(self, params: PyTree, extra: PyTree, z: Array) -> Array:
        """The likeliest token after the likeliest token, one-hot: `[B, T, V]` of `z: [B, latent_dim]`."""
        return self._free(params, extra, z, jnp.zeros((len(z), *self.example_shape)))

    def reconstruct(self, params: PyTree, extra: PyTree, x: Array) -> Array:
        """What `decode` makes of the mean of q(z|x): `[B, T, V]`."""
        return self.decode(params, extra, self.encode(params, extra, x))

    def latents(self, key: Array, num: int) -> Array:
        """`num` draws of z ~ N(0, I): `[num, latent_dim]`."""
        return rng.normal(key, (num, self.latent_dim))

    def sample(self, params: PyTree, extra: PyTree, key: Array, num: int) -> Array:
        """One-hot tokens drawn one after another, at the temperature, for draws of z: `[num, T, V]`."""
        noise = _gumbel(rng.fold(key, "tokens"), (num, *self.example_shape))
        z = self.latents(rng.fold(key, "latent"), num)
        return self._free(params, extra, z, self.temperature * noise)

    def _forced(self, params: PyTree, extra: PyTree, z: Array, x: Array) -> Array:
        """Logits after the true tokens."""
        own = jnp.zeros(x.shape[:2], bool)
        return self.networks["decoder"](params, extra, z, x, own, jnp.zeros(x.shape))

    def _free(self, params: PyTree, extra: PyTree, z: Array, noise: Array) -> Array:
        """One-hot tokens, each after the decoder's own."""
        own, none = jnp.ones(noise.shape[:2], bool), jnp.zeros(noise.shape)
        logits = self.networks["decoder"](params, extra, z, none, own, noise)
        return jax.nn.one_hot(jnp.argmax(logits + noise, -1), logits.shape[-1])


def _gumbel(key: Array, shape: tuple[int, ...]) -> Array:
    """Draws of which the largest, added to logits, is a draw from their softmax."""
    uniform = rng.uniform(key, shape, jnp.finfo(jnp.float32).tiny, 1.0)
    return -jnp.log(-jnp.log(uniform))
