"""VAE on grey pixels: a Gaussian likelihood whose scale is learned.

Papers: Kingma & Welling 2014, arXiv:1312.6114; Rybkin, Daniilidis & Levine 2021, arXiv:2006.13202

scikit-learn's digits, 16 px, 10 latents; nats of -ELBO (a density's, so that it may be negative) on the
test split of 300, one seed, 10,000 rounds in about 25 s:

  genlab --config=vae_gaussian
    -249.5 (reconstruction -281.9, KL 32.4), 10 active units; the scale ends at 0.053, the training
    error's, which is less than the test error's.
  genlab --config=vae_gaussian:per_pixel
    a scale for each pixel, from z: -370.7 (reconstruction -411.8, KL 41.1), seven active units, after
    3,000 rounds. Later the scales of pixels that hardly vary fall without end: on the validation split
    -361.9 after 3,000 rounds is 1,116 after 4,000.
  genlab --config=vae_gaussian:discretized_logistic
    the probability of the 17 levels that the digits have at 8 px, one learned scale: -log p(x) 83.4 nats (81.9 to 84.9)
    by 5,000 draws, 1.88 bits per dimension; -ELBO 88.9 (reconstruction 71.1, KL 17.8); 23 CPU seconds.
  genlab sweep --config=vae_gaussian:fixed --sweep=scale
    fixed scales 0.05, 0.1, 0.2, 0.5, 1: -225.4, -255.2, -137.2, 72.4, 241.5; KL 35.9, 27.1, 17.9,
    6.8, 2.1. At 1, the variant `fixed`, four of ten units are active.
"""

from genlab.shipped.configs import vae
from ml_collections import ConfigDict

from genlab.trials.space import grid

VARIANTS = ("tiny", "fixed", "per_pixel", "discretized_logistic")


def get_config(variant: str = "") -> ConfigDict:
    """The perceptrons of `vae.py` on grey digits, 16 px; one scale for all pixels."""
    config = vae.get_config("tiny" if variant == "tiny" else "")
    config.experiment.likelihood = dict(name="gaussian")
    config.model.scale = dict(name="shared_scale")
    config.data.binarize = "none"
    if variant != "tiny":
        config.data.image_size = 16
    if variant == "per_pixel":
        # Its logarithm, of each pixel, from z.
        config.model.scale = dict(name="mlp_decoder", hidden=(256,), activation="tanh")
        config.train.steps = 3000
    if variant == "discretized_logistic":
        # The 17 levels that scikit-learn's digits have at their own size.
        config.experiment.likelihood = dict(name="discretized_logistic", levels=17)
        config.data.image_size = None
    if variant == "fixed":
        del config.model.scale
        config.experiment.likelihood.scale = 1.0
    return config


def sweep_scale():
    """Scales that are fixed; run it on the variant `fixed`."""
    return grid(experiment__likelihood__scale=(0.05, 0.1, 0.2, 0.5, 1.0))
