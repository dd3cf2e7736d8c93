"""Posteriors that come from an encoder, and what becomes of them where each example has its own."""

import math
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from genlab.shipped.experiments.variational import Inferred, Variational

from genlab.errors import InputError
from genlab.game.cast import Cast
from genlab.game.experiment import Array, PyTree
from genlab.game.gaussian import Gaussian
from genlab.game.turn import Draw
from genlab.inference.variational import fitted
from genlab.numbers import Positive, Whole


@dataclass(frozen=True, kw_only=True)
class Amortized(Variational):
    """Abstract: a family whose encoder gives a Gaussian of the latents next to x, which may be refined.

    With `refine_steps` it is semi-amortised: q(z|x) is what so many steps of Adam on the bound of each
    example alone make of the encoder's Gaussian, and training sees through them. What `encode` and
    `posterior` give stays the encoder's.

    Attributes:
      refine_steps: 0 for the encoder's Gaussian itself.
      refine_rate: learning rate of the first of these steps; it falls to 0 by a half cosine.

    Paper: Kim et al. 2018, arXiv:1802.02550
    """

    refine_steps: Whole = 0
    refine_rate: Positive = 0.05

    def __post_init__(self) -> None:
        """As its parent, and refuses to refine what is no Gaussian of independent dimensions."""
        super().__post_init__()
        if self.refine_steps and "flow" in self.networks:
            raise InputError(
                f"experiment.refine_steps={self.refine_steps} refine a Gaussian, and model.flow makes"
                " another density of it; choose one of the two"
            )

    def encoded(self, cast: Cast, draw: Draw) -> Gaussian:
        """The encoder's Gaussian of each example of a draw, refined where the family says so."""
        batch = draw.batch
        found = Gaussian(*cast("encoder", batch["x"], label=batch.get("label")))
        if not self.refine_steps:
            return found
        return self._refined(cast, draw, found, self.refine_steps, self.refine_rate)

    def posterior_gaps(
        self,
        params: PyTree,
        extra: PyTree,
        draw: Draw,
        steps: int,
        rate: float,
        samples: int,
    ) -> dict[str, Array]:
        """What q(z|x) loses by coming from an encoder.

        Args:
          params: of the state.
          extra: of the state.
          draw: the examples, and the keys of all draws.
          steps: of Adam on the bound of each example, from the encoder's Gaussian.
          rate: of the first of them.
          samples: draws of z that each bound is a mean over, the same for both.

        Returns:
          Of each example, [B] nats: `elbo` of the encoder's Gaussian, `fitted_elbo` of the fitted one,
          `log_p`, the importance-weighted bound of draws from that.

        Raises:
          InputError: q(z|x) is no Gaussian.
        """
        label = draw.batch.get("label")
        start = Gaussian(*self.posterior(params, extra, draw.batch["x"], label))
        cast = Cast(self.networks, params, extra)
        best = self._refined(cast, draw, start, steps, rate)

        def weights(gaussian: Gaussian) -> Array:
            z, log_q = gaussian.draw(draw.key("latent"), samples)
            return self._weigh(cast, draw, samples, (z,), log_q)[0]

        of_best = weights(best)
        return {
            "elbo": jnp.mean(weights(start), axis=1),
            "fitted_elbo": jnp.mean(of_best, axis=1),
            "log_p": jax.nn.logsumexp(of_best, axis=1) - math.log(samples),
        }

    def _refined(
        self, cast: Cast, draw: Draw, start: Gaussian, steps: int, rate: Array
    ) -> Gaussian:
        """The Gaussian of each example after steps on its own bound; a factor U stays one."""
        shape = (len(start.mean), *2 * start.mean.shape[1:])
        ones = jnp.broadcast_to(jnp.eye(shape[1]), shape)

        def whole(gaussian: Gaussian) -> Gaussian:
            if gaussian.factor is None:
                return gaussian
            return gaussian.replace(factor=jnp.tril(gaussian.factor, -1) + ones)

        def bound(gaussian: Gaussian, key: Array) -> Array:
            gaussian, playing = whole(gaussian), cast.again()
            z, log_q = gaussian.draw(key)
            weights, (likelihoods, *_) = self._weigh(playing, draw, 1, (z,), log_q)
            kl = self.closed_kl(playing, Inferred((z,), log_q, gaussian))
            return -weights[:, 0] if kl is None else likelihoods[:, 0] + kl[0]

        knobs = dict(steps=steps, learning_rate=rate)
        return whole(fitted(bound, start, draw.key("refine"), **knobs))
