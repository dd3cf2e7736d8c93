"""Projection GAN: conditional batch norm against a discriminator that asks whether class and image fit.

Paper: Miyato & Koyama 2018, arXiv:1802.05637

  genlab --config=projection_gan
    of 100 samples of each class 99.3 % are of it (95 % interval 98.6 to 99.7) by an SVM of 98.7 % accuracy
    on 300 test digits, 96 % or more of every class; `frechet_digits_classifier` 2.0 (1.0 to 3.1) of 1,000 samples
    (`_floor` 3.7), precision .80 and recall .79 (.75 to .83); 4,000 rounds, 1 min 49 s of one CPU core (one seed).
  genlab --config=projection_gan:mnist --config.data.data_dir=DIR
    MNIST at 16 px: 95.8 % (94.4 to 96.9) by an SVM of 96.5 % accuracy, 92 % or more of every class; 6,000 rounds,
    96 s of CPU time (one seed). After 15,000 rounds 95.9 %: more of them do not help.
"""

from genlab.shipped.configs.common import digits
from ml_collections import ConfigDict

VARIANTS = ("tiny", "mnist")


def get_config(variant: str = "") -> ConfigDict:
    """Hinge with spectral normalisation on scikit-learn's digits at 16 px; `mnist` at the same size."""
    config = digits.conditional_gan()
    config.objective = dict(name="hinge")
    networks = config.model.generator.network, config.model.discriminator
    networks[1].norm = "none"
    config.model.generator = dict(name="conditional_batch_norm", network=networks[0])
    projection = dict(name="projection", network=networks[1])
    config.model.discriminator = dict(name="spectral", network=projection)
    match variant:
        case "tiny":
            digits.tiny_conditional_gan(config)
        case "mnist":
            digits.on_mnist(config)
    return config
