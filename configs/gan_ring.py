"""A GAN on a ring of eight Gaussians: are all modes covered?

Paper: Goodfellow et al. 2014, arXiv:1406.2661; the ring: Metz et al. 2017, arXiv:1611.02163;
R1: Mescheder et al. 2018, arXiv:1801.04406; WGAN-GP: Gulrajani et al. 2017, arXiv:1704.00028

  genlab --config=gan_ring
    covers 8 of 8 modes with 95.9 % of 10,000 samples within 3 standard deviations of a centre;
    24,000 rounds in 32 s on two CPU cores (seed 1: 8 of 8 and 96.8 %).
  genlab --config=gan_ring:plain
    without R1: 4 of 8 modes after the same rounds, in 24 s.
  genlab --config=gan_ring:wgan_gp
    Wasserstein with a gradient penalty of weight 1, five moves of the critic a round: 8 of 8 modes, 88.2 %
    of the samples within 3 standard deviations, 8,000 rounds (one seed).
  genlab sweep --config=gan_ring:gan --seeds=10
    PacGAN's plain GAN made small: 6.1 of 8 modes (5.6 to 6.6); and a variant for every objective, penalty and
    stabiliser, as of `gan_grid`: RESULTS has the table.
"""

from genlab.shipped.configs import base
from genlab.shipped.configs.common import pacgan
from ml_collections import ConfigDict

from genlab.trials.space import Uniform, grid, product, seeds

VARIANTS = ("tiny", "plain", "wgan_gp", *pacgan.METHODS)


def get_config(variant: str = "") -> ConfigDict:
    """Perceptrons on both sides, non-saturating, with R1; `plain` without it; `wgan_gp`."""
    config = base.get_config()
    if variant in pacgan.METHODS:
        pacgan.protocol(config, "ring")
        pacgan.method(config, variant)
        return config
    config.experiment = dict(
        name="gan", latent_dim=16, penalty=dict(name="r1", weight=0.1)
    )
    config.objective = dict(name="non_saturating")
    config.model = dict(
        generator=dict(
            name="mlp_generator", hidden=(128, 128), output_activation="identity"
        ),
        discriminator=dict(name="mlp_discriminator", hidden=(128, 128)),
    )
    decay = dict(name="linear", begin=10_000, steps=20_000, end=0.1)
    adam = dict(name="adam", learning_rate=1e-3, b1=0.5, schedule=decay)
    config.optimizer = dict(generator=dict(adam, ema=0.999), discriminator=adam)
    config.data.update(name="toy2d", kind="ring")
    config.train = dict(steps=24_000, batch_size=256, steps_per_call=100)
    config.log.every = 500
    config.eval.update(every=2000, metrics=("mode_coverage",))
    config.sample = dict(every=2000, plots=("samples",))
    config.checkpoint.every = 6000

    match variant:
        case "tiny":
            config.model.generator.hidden = config.model.discriminator.hidden = (16,)
            base.tiny(config)
            config.eval.metrics = (dict(name="mode_coverage", num_samples=100),)
        case "plain":
            del config.experiment.penalty
        case "wgan_gp":
            config.objective = dict(name="wasserstein")
            config.experiment.penalty = dict(name="gradient_penalty", weight=1.0)
            config.experiment.n_critic = 5
            config.train.steps = 8000
            for player in config.optimizer.values():
                player.schedule = None
    return config


def sweep_space():
    """Learning rates and the weight of R1, for a study or random draws."""
    return {
        "optimizer.generator.learning_rate": Uniform(1e-4, 1e-2, log=True),
        "optimizer.discriminator.learning_rate": Uniform(1e-4, 1e-2, log=True),
        "experiment.penalty.weight": Uniform(1e-3, 10.0, log=True),
    }


def sweep_learning_rates():
    """Learning rates of both players, two seeds each."""
    rates = (3e-4, 1e-3, 3e-3)
    players = grid(
        optimizer__generator__learning_rate=rates,
        optimizer__discriminator__learning_rate=rates,
    )
    return product(players, seeds(2))
