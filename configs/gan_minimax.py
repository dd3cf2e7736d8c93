"""The zero-sum game of the first GAN, whose generator stops learning where the discriminator is sure.

Paper: Goodfellow et al. 2014, arXiv:1406.2661

  genlab --config=gan_minimax
    the rarest class holds 2.2 to 4.1 %, `frechet_digits_classifier` 30, 32 and 33, precision .71 to .74 and recall
    .84 to .87 (`sweep --config=gan_minimax --seeds=3`): better than `gan_ns` in each of three seeds. The logits of most
    samples of seed 0 lie where both losses have a gradient, so that the argument against this game need not bite.
  genlab --config=dcgan --config.objective=minimax
    against convolutions with batch norm it does: 99 % of the samples are taken for one class (Frechet distance
    862, with the other loss 8.7; one seed).
"""

from genlab.shipped.configs import gan_ns
from ml_collections import ConfigDict

VARIANTS = ("tiny",)


def get_config(variant: str = "") -> ConfigDict:
    """`gan_ns` with the objective `minimax`."""
    config = gan_ns.get_config(variant)
    config.objective = dict(name="minimax")
    return config
