"""By how much an image has been turned, as what a network is to tell."""

from collections.abc import Callable

import jax

from genlab.data.rotation import rotated
from genlab.game import rng
from genlab.numbers import NonNegative
from genlab.objectives.likelihood import cross_entropy
from genlab.registry import objectives

Array = jax.Array
Terms = dict[str, dict[str, Array]]

HEAD = "rotations"  # of a discriminator that tells quarter turns


@objectives.register
def rotation_likelihood(logits: Array, turn: Array) -> Array:
    """RotNet: -log p(turn | the turned image), p the softmax of the logits.

    Args:
      logits: [B, K], of each of K rotations.
      turn: [B] int in [0, K), by which the image was turned.

    Returns:
      [B] nats, above 0.

    Paper: Gidaris, Singh & Komodakis 2018, arXiv:1803.07728, equation 3
    """
    return cross_entropy(logits, turn)


@objectives.register
def rotation_of_both(
    real: Array,
    fake: Array,
    tell: Callable,
    key: Array,
    *,
    discriminator_weight: NonNegative = 1.0,
    generator_weight: NonNegative = 0.2,
) -> Terms:
    """Self-supervised GAN: the discriminator tells by how many quarters real images were turned, and the
    generator makes images of which it can tell.

    Each image is turned once, by quarters that are drawn for it: discriminator -b log Q(r | turned x),
    generator -a log Q(r | turned G(z)). What is real or fake is judged upright.

    Args:
      real: [B, H, W, C], real examples as they were shown, square.
      fake: [B, H, W, C], generated ones.
      tell: callable, what the discriminator tells of examples, by name.
      key: of the turns.
      discriminator_weight: b, 0 or more.
      generator_weight: a, 0 or more.

    Returns:
      Terms in nats, [B].

    Paper: Chen et al. 2019, arXiv:1811.11212, equations 3 and 4
    """

    def unlikely(x: Array, name: str) -> Array:
        turn = rng.classes(rng.fold(key, name), x.shape[0], 4)
        return cross_entropy(tell(rotated(x, turn))[HEAD], turn)

    return {
        "discriminator": {
            "rotation_real": discriminator_weight * unlikely(real, "real")
        },
        "generator": {"rotation_fake": generator_weight * unlikely(fake, "fake")},
    }


rotation_of_both.needs_heads = (HEAD,)
