"""Conditional GAN: both networks see the class beside their input.

Paper: Mirza & Osindero 2014, arXiv:1411.1784

  genlab --config=cgan
    scikit-learn's digits at 16 px: of 100 samples of each class 99.9 % are of it (95 % interval 99.4 to 100)
    by an SVM of 98.7 % accuracy on 300 test digits, 99 % or more of every class;
    `frechet_digits_classifier` 4.0 of 1,000 samples (2.7 to 5.3; `_floor` 3.7), precision .89 and recall .43, of
    the test digits .92 and .94; 93 s of CPU time (one seed). `dcgan:conditional` is the same at 32 px.
  genlab --config=cgan:mnist --config.data.data_dir=DIR
    MNIST at 16 px: of 100 samples of each class 98.5 % are of it (97.5 to 99.1) by an SVM of 96.5 % accuracy,
    97 % or more of every class; 15,000 rounds, 4 min 40 s of CPU time (one seed). After 6,000 rounds 96.4 %.
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
            config.train.steps = 15_000
    return config
