"""Changes of what a discriminator sees, with a probability that follows how far it overfits."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp

from genlab.data.diff_augment import changes
from genlab.game import parallel, rng
from genlab.numbers import Count, Fraction
from genlab.registry import corruptions

Array = jax.Array


@corruptions.register
@dataclass(frozen=True, kw_only=True)
class Ada:
    """Each change is made of each image with a probability p, which adapts: ADA.

    After each move of the discriminator p <- p + B / images where E[sign D(x)] of the B real examples
    is above the target, and down by as much where it is below; p stays in [0, 1] and starts at 0. The
    changes are those of `diff_augment`, not the eighteen of the paper.

    Attributes:
      policy: changes in their order, see `diff_augment`.
      target: of E[sign D(x)].
      images: real examples over which p can go from 0 to 1.

    Paper: Karras et al. 2020, arXiv:2006.06676
    """

    memory: ClassVar = {"probability": 0.0}

    policy: Sequence[str] = (
        *("flip", "quarter_turn", "translation", "zoom", "rotation"),
        *("brightness", "contrast", "saturation"),
    )
    target: Fraction = 0.6
    images: Count = 500_000

    def __call__(self, x: Array, key: Array, memory: dict[str, Array]) -> Array:
        """`x: [B, H, W, C]` with changes of some: the same shape.

        Raises:
          InputError: an unknown change, or examples that are no images.
        """
        for name, change in changes("ada", self.policy, x).items():
            own = rng.fold(key, name)
            shape = (x.shape[0], 1, 1, 1)
            struck = rng.bernoulli(rng.fold(own, "coin"), memory["probability"], shape)
            x = jnp.where(struck, change(x, own), x)
        return x

    def renew(self, memory: dict[str, Array], real_logits: Array) -> dict[str, Array]:
        """The memory after a move in which the real examples had these logits, [N]."""
        signs = jnp.mean(jnp.sign(real_logits))
        count = parallel.gather_batch(real_logits).shape[0]
        up = jnp.sign(parallel.mean_over_devices(signs) - self.target)
        return {
            "probability": jnp.clip(
                memory["probability"] + up * count / self.images, 0.0, 1.0
            )
        }
