"""Conditional GAN: both networks see the class beside their input.

Paper: Mirza & Osindero 2014, arXiv:1411.1784

  genlab --config=cgan
    scikit-learn's digits at 16 px. Not measured yet; `dcgan:conditional` is the same at 32 px.
  genlab --config=cgan:mnist --config.data.data_dir=DIR
    Not measured yet.
"""

from genlab.shipped.configs.common import digits
from ml_collections import ConfigDict

VARIANTS = ("tiny", "mnist")


def get_config(variant: str = "") -> ConfigDict:
    """scikit-learn's digits at 16 px; `mnist` at the same size."""
    config = digits.conditional_gan()
    config.model.discriminator = dict(
        name="conditional", network=config.model.discriminator
    )
    match variant:
        case "tiny":
            digits.tiny_conditional_gan(config)
        case "mnist":
            digits.on_mnist(config)
    return config
