"""AC-GAN: the discriminator also tells the class, and both players want it to be right.

Paper: Odena, Olah & Shlens 2017, arXiv:1610.09585

  genlab --config=acgan
    of 100 samples of each class 80.7 % are of it (95 % interval 78.1 to 83.0) by an SVM of 98.7 % accuracy
    on 300 test digits, 24 % or more of every class; they vary little: precision .79, recall .01,
    `frechet_digits_classifier` 28.0 (25.1 to 31.0) of 1,000 samples (`_floor` 3.7); 4,000 rounds, 2 min of one CPU
    core (one seed, whose 96.5 %, 68 % and 22.3 of before sums of a convolution were rounded otherwise say how little
    one seed tells).
  genlab --config=acgan:mnist --config.data.data_dir=DIR
    MNIST at 16 px: of 100 samples of each class 97.2 % are of it (96.0 to 98.1) by an SVM of 96.5 % accuracy
    on the test digits, 90 % or more of every class; 2 min 34 s of CPU time (one seed).
"""

from genlab.shipped.configs.common import digits
from ml_collections import ConfigDict

VARIANTS = ("tiny", "mnist")


def get_config(variant: str = "") -> ConfigDict:
    """scikit-learn's digits at 16 px; `mnist` at the same size."""
    config = digits.conditional_gan()
    config.experiment.auxiliary = dict(name="class_likelihood")
    config.model.discriminator = dict(
        name="heads", network=config.model.discriminator, heads=("classes",)
    )
    match variant:
        case "tiny":
            digits.tiny_conditional_gan(config)
        case "mnist":
            digits.on_mnist(config)
    return config
