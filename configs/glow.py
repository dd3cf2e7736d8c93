"""Glow: exact likelihoods by invertible 1x1 convolutions between coupling layers.

Papers: Kingma & Dhariwal 2018, arXiv:1807.03039; `variational`: Ho et al. 2019, arXiv:1902.00275

  genlab --config=glow
    scikit-learn's digits at their 8 px and 17 levels: 2.03 bits per dimension (2.00 to 2.06), a bound by one draw of the
    noise, test split; 4,000 rounds, 60 s of CPU time (one seed).
  genlab --config=glow:variational
    with learned noise 1.93 (1.89 to 1.96); 2 min 20 s.
  genlab --config=glow:mnist --config.data.data_dir=DIR
    MNIST at 28 px, 256 levels, noise in the levels learned; for a GPU, on which it was not measured. With 4 steps of
    width 64 and batches of 64, 2,000 rounds, 1.256 bits per dimension (1.251 to 1.262) of the test digits, a bound; 12 min
    42 s of CPU time (one seed; RESULTS has the flags).
  genlab --config=glow:cifar10 --config.data.data_dir=DIR
    about the paper's size, which has 3.35 bits per dimension; for days on GPUs; not run.
"""

from genlab.shipped.configs import base
from genlab.shipped.configs.common import flows
from ml_collections import ConfigDict

VARIANTS = ("tiny", "variational", "mnist", "cifar10")
LEARNED = dict(name="variational_dequantizer")


def get_config(variant: str = "") -> ConfigDict:
    """Digits, with even noise in their levels or with learned."""
    config = flows.of_digits(dict(name="glow", steps=4, width=64))
    match variant:
        case "tiny":
            config.model.density.update(steps=1, width=4, dequantizer=LEARNED)
            base.tiny(config)
            # By the first batch's scales slopes are 0 but for rounding, which Adam makes as large as any.
            config.optimizer.density = dict(name="sgd", learning_rate=1e-3, ema=0.995)
        case "variational":
            config.model.density.dequantizer = LEARNED
        case "mnist":
            flows.on_mnist(config)
            config.model.density.update(steps=12, width=256, dequantizer=LEARNED)
        case "cifar10":
            flows.on_cifar10(config, steps=1_000_000)
            config.model.density.update(scales=3, steps=32, width=512)
    return config
