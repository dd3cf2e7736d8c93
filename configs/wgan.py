"""Wasserstein GAN on scikit-learn's digits: a critic whose slope is bounded, and what bounds it.

Papers: Arjovsky, Chintala & Bottou 2017, arXiv:1701.07875; `gp`: Gulrajani et al. 2017, arXiv:1704.00028

  genlab --config=wgan
    each class holds 8.4 % or more of 1,000 samples by an SVM of 99.3 % accuracy on 300 test digits;
    `frechet_digits_classifier` 4.1 (3.2 to 4.9; `_floor` 3.0), precision .42 and recall .90, of the test
    digits .94 and .94; one seed. At the paper's rate of 5e-5 these 8,000 rounds do not get beyond blots
    (Frechet distance 256).
  genlab --config=wgan:gp
    8.5 % or more; Frechet distance 3.8 (2.8 to 4.7), precision .63 and recall .91; 50 s of CPU time (one seed).
  genlab --config=wgan:mnist --config.data.data_dir=DIR
    MNIST at 32 px: `dcgan`'s generator against convolutions without batch norm, with a gradient penalty. Not
    measured yet.
"""

from genlab.shipped.configs import base
from genlab.shipped.configs.common.digits import in_features_of_digits
from genlab.shipped.configs.common.folder import images_of_a_folder
from ml_collections import ConfigDict

VARIANTS = ("tiny", "gp", "mnist", "folder")

STAGE = "critic_first"


def get_config(variant: str = "") -> ConfigDict:
    """The critic's weights in [-0.01, 0.01], RMSProp at ten times the paper's rate, and the
    paper's schedule of the critic: 100 moves in each of the first 25 rounds, then 5 (the paper's 100 in every
    500th round are left out); `gp` with a gradient penalty and Adam."""
    config = base.get_config()
    config.experiment = dict(name="gan", latent_dim=64, n_critic=5)
    config.objective = dict(name="wasserstein")
    config.model = dict(
        generator=dict(name="mlp_generator", hidden=(256, 256)),
        discriminator=dict(name="mlp_discriminator", hidden=(256, 256)),
    )
    rmsprop = dict(name="rmsprop", learning_rate=5e-4)
    config.optimizer = dict(
        generator=dict(rmsprop, ema=0.99),
        discriminator=dict(rmsprop, clip_weights=0.01),
    )
    config.data.update(name="digits", value_range=(-1.0, 1.0))
    config.train = dict(steps=8000, batch_size=64, steps_per_call=100)
    config.log.every = 500
    config.eval.metrics = ("class_coverage",)
    config.eval.final_metrics = in_features_of_digits()
    config.sample = dict(every=4000, plots=("samples",))
    config.checkpoint.every = 4000
    config.stages = (critic_first(config, moves=100, rounds=25),)
    config.start = dict(
        name="copy",
        parts={
            player: f"{STAGE}/{player}" for player in ("generator", "discriminator")
        },
    )

    match variant:
        case "tiny":
            for network in config.model.values():
                network.hidden = (16,)
            base.tiny(config)
            config.stages = (critic_first(config, moves=7, rounds=4),)
        case "gp" | "mnist" | "folder":
            config.experiment.penalty = dict(name="gradient_penalty", weight=10.0)
            adam = dict(name="adam", learning_rate=1e-4, b1=0.0, b2=0.9)
            config.optimizer = dict(generator=dict(adam, ema=0.99), discriminator=adam)
            config.stages, config.start = (), dict(name="fresh")
    if variant in ("mnist", "folder"):
        config.experiment.latent_dim = 100
        config.model = dict(
            generator=dict(name="dcgan_generator", width=64),
            discriminator=dict(name="dcgan_discriminator", width=64, norm="none"),
        )
        config.train = dict(steps=10_000, batch_size=64, steps_per_call=20)
        for player in config.optimizer.values():
            player.learning_rate = 5e-4
    if variant == "mnist":
        config.optimizer.generator.ema = 0.999
        config.data.update(name="tfds:mnist", data_dir="", image_size=32)
        config.eval.metrics = (dict(name="class_coverage", num_train=5000),)
        config.eval.final_metrics = in_features_of_digits(10_000)
        config.sample.every = config.checkpoint.every = 5000
    if variant == "folder":
        images_of_a_folder(config)
    return config


def critic_first(config: ConfigDict, moves: int, rounds: int) -> dict:
    """A stage of the same game in which the critic moves more often."""
    experiment = dict(config.experiment.to_dict(), n_critic=moves)
    return dict(name=STAGE, experiment=experiment, train=dict(steps=rounds))
