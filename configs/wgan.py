"""Wasserstein GAN on scikit-learn's digits: a critic whose weights are clipped, so that its slope is bounded.

Paper: Arjovsky, Chintala & Bottou 2017, arXiv:1701.07875; with a gradient penalty in its place: `wgan_gp`

  genlab --config=wgan
    each class holds 8.3 % or more of 1,000 samples by an SVM of 99.3 % accuracy on 300 test digits;
    `frechet_digits_classifier` 9.6 (8.2 to 10.9; `_floor` 3.0), precision .36 and recall .85, of the test
    digits .94 and .94; 37 s of CPU time (one seed).
  genlab --config=wgan --config.experiment.catching_up=None
    without the 100 moves in every 500th round 4.1 (3.2 to 4.9), precision .42 and recall .90 (one seed). So, and at
    the paper's rate of 5e-5, these 8,000 rounds do not get beyond blots (Frechet distance 256).
"""

from genlab.shipped.configs import base
from genlab.shipped.configs.common.digits import in_features_of_digits
from ml_collections import ConfigDict

VARIANTS = ("tiny",)

STAGE = "critic_first"


def get_config(variant: str = "") -> ConfigDict:
    """The critic's weights in [-0.01, 0.01], RMSProp at ten times the paper's rate, and the paper's schedule of the
    critic: 100 moves in each of the first 25 rounds and in every 500th, counted from the next one, else 5."""
    config = base.get_config()
    config.experiment = dict(
        name="gan", latent_dim=64, n_critic=5, catching_up=(95, 500)
    )
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

    if variant == "tiny":
        for network in config.model.values():
            network.hidden = (16,)
        base.tiny(config)
        config.experiment.catching_up = (2, 3)
        config.stages = (critic_first(config, moves=7, rounds=4),)
    return config


def critic_first(config: ConfigDict, moves: int, rounds: int) -> dict:
    """A stage of the same game in which the critic moves more often."""
    experiment = dict(config.experiment.to_dict(), n_critic=moves, catching_up=None)
    return dict(name=STAGE, experiment=experiment, train=dict(steps=rounds))
