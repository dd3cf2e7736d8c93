"""Wasserstein GAN whose critic pays for a slope other than 1 between data and fakes.

Paper: Gulrajani et al. 2017, arXiv:1704.00028; Wasserstein: Arjovsky, Chintala & Bottou 2017, arXiv:1701.07875

  genlab --config=wgan_gp
    perceptrons on scikit-learn's digits, 8 px: each class holds 8.5 % or more of 1,000 samples by an SVM of 99.3 %
    accuracy on 300 test digits; `frechet_digits_classifier` 3.8 (2.8 to 4.7; `_floor` 3.0), precision .63 and
    recall .91, of the test digits .94 and .94; 50 s of CPU time (one seed).
  genlab --config=wgan_gp:mnist --config.data.data_dir=DIR
    MNIST at 32 px: `dcgan`'s networks, width 64, the critic's without batch norm. At width 32 after 2,000 rounds (10 min
    of CPU) a Frechet distance of 21.6, 21.8 and 26.2 in the features of a run of `classifier:mnist`, where `dcgan` of the
    same width and cost has 92 to 102 (three seeds each; 10,000 test digits: 5.2), precision .58 and recall .82.
  genlab --config=wgan_gp:folder --config.data.name=folder:DIR
    the same on images of one's own in colour, 64 px, with DiffAugment; emoji in RESULTS.
"""

from genlab.shipped.configs import base
from genlab.shipped.configs.common.digits import in_features_of_digits
from genlab.shipped.configs.common.folder import images_of_a_folder
from ml_collections import ConfigDict

VARIANTS = ("tiny", "mnist", "folder")


def get_config(variant: str = "") -> ConfigDict:
    """The penalty's weight and the critic's five moves are the paper's; images have five times its rate, since
    their rounds here are few."""
    config = base.get_config()
    penalty = dict(name="gradient_penalty", weight=10.0)
    config.experiment = dict(name="gan", latent_dim=64, n_critic=5, penalty=penalty)
    config.objective = dict(name="wasserstein")
    config.model = dict(
        generator=dict(name="mlp_generator", hidden=(256, 256)),
        discriminator=dict(name="mlp_discriminator", hidden=(256, 256)),
    )
    adam = dict(name="adam", learning_rate=1e-4, b1=0.0, b2=0.9)
    config.optimizer = dict(generator=dict(adam, ema=0.99), discriminator=adam)
    config.data.update(name="digits", value_range=(-1.0, 1.0))
    config.train = dict(steps=8000, batch_size=64, steps_per_call=100)
    config.log.every = 500
    config.eval.metrics = ("class_coverage",)
    config.eval.final_metrics = in_features_of_digits()
    config.sample = dict(every=4000, plots=("samples",))
    config.checkpoint.every = 4000

    match variant:
        case "tiny":
            for network in config.model.values():
                network.hidden = (16,)
            base.tiny(config)
            # What the biases of real and generated examples get all but cancels, and Adam enlarges the rest.
            config.optimizer.discriminator.eps = 1e-3
        case "mnist":
            _images(config)
            config.optimizer.generator.ema = 0.999
            config.data.update(name="tfds:mnist", data_dir="", image_size=32)
            config.eval.metrics = (dict(name="class_coverage", num_train=5000),)
            config.eval.final_metrics = in_features_of_digits(10_000)
            config.sample.every = config.checkpoint.every = 5000
        case "folder":
            _images(config)
            images_of_a_folder(config)
    return config


def _images(config: ConfigDict) -> None:
    """DCGAN's networks and rounds for them."""
    config.experiment.latent_dim = 100
    config.model = dict(
        generator=dict(name="dcgan_generator", width=64),
        discriminator=dict(name="dcgan_discriminator", width=64, norm="none"),
    )
    config.train = dict(steps=10_000, batch_size=64, steps_per_call=20)
    for player in config.optimizer.values():
        player.learning_rate = 5e-4
