"""What an encoder and a decoder minimise that play against each other."""

import math

import chex
import jax
import jax.numpy as jnp

from genlab.numbers import NonNegative, Positive
from genlab.objectives.adversarial import Terms
from genlab.registry import objectives

Array = jax.Array


@objectives.register
def soft_introspection(
    x: Array,
    reconstruction: Array,
    kl: Array,
    reconstruction_of_reconstruction: Array,
    kl_of_reconstruction: Array,
    reconstruction_of_sample: Array,
    kl_of_sample: Array,
    *,
    beta_rec: NonNegative = 1.0,
    beta_kl: NonNegative = 1.0,
    beta_neg: NonNegative = 1.0,
    gamma_r: NonNegative = 1e-8,
    scale: Positive | None = None,
    adversarial_weight: NonNegative = 1.0,
) -> Terms:
    """The game of Soft-IntroVAE: the encoder lowers the bound of what the decoder makes, which raises it.

    With L a reconstruction and the images r, a reconstruction, and f, a sample:
    encoder: s (b_rec L(x) + b_kl KL(x)) + w/4 sum over y in {r, f} of exp(-2 s (b_rec L(y) + b_neg KL(y)));
    decoder: s b_rec L(x) + w s/2 sum over y of (b_kl KL(y) + gamma_r b_rec L(y)).

    The L of the paper is a sum of squares without a half; `squared_error` has one, so that with it
    the published b_rec is half of that here.

    Args:
      x: [B, D], real examples, whose size alone counts; any rank of two or more.
      reconstruction: [B] in [0, 200], L of a real example.
      kl: [B] in [0, 200], KL(q(z|x) || p(z)) of it.
      reconstruction_of_reconstruction: [B] in [0, 200], L of r and of what it is decoded to again.
      kl_of_reconstruction: [B] in [0, 200], KL of r.
      reconstruction_of_sample: [B] in [0, 200], L of f and of what it is decoded to again.
      kl_of_sample: [B] in [0, 200], KL of f.
      beta_rec: b_rec.
      beta_kl: b_kl.
      beta_neg: b_neg; the paper has 256 for images, of up to 256 x 256 pixels.
      gamma_r: weight of the reconstructions of what the decoder made itself.
      scale: s; None for 1 / D, D the numbers in an example.
      adversarial_weight: w; at 0 both minimise the bound of real examples.

    Returns:
      Terms of the players `encoder` and `decoder`, [B] each.

    Paper: Daniel & Tamar 2021, arXiv:2012.13253, equations 5 and 6
    """
    found = (
        *(reconstruction, kl, reconstruction_of_reconstruction, kl_of_reconstruction),
        *(reconstruction_of_sample, kl_of_sample),
    )
    chex.assert_rank(found, 1)
    chex.assert_equal_shape(found)
    s = 1 / math.prod(x.shape[1:]) if scale is None else scale
    again = {
        "reconstruction": (reconstruction_of_reconstruction, kl_of_reconstruction),
        "sample": (reconstruction_of_sample, kl_of_sample),
    }
    real = {"reconstruction": s * beta_rec * reconstruction}
    encoder = {**real, "kl": s * beta_kl * kl}
    decoder = dict(real)
    for name, (rec, divergence) in again.items():
        bound = beta_rec * rec + beta_neg * divergence
        encoder[f"bound_of_{name}"] = adversarial_weight / 4 * jnp.exp(-2 * s * bound)
        decoder[f"kl_of_{name}"] = adversarial_weight * s / 2 * beta_kl * divergence
        decoder[f"reconstruction_of_{name}"] = (
            adversarial_weight * s / 2 * gamma_r * beta_rec * rec
        )
    return {"encoder": encoder, "decoder": decoder}
