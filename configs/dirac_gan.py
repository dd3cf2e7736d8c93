"""The Dirac-GAN: a point against a line, the smallest game that does not come to rest.

Paper: Mescheder et al. 2018, arXiv:1801.04406

Two CPU cores, 7 CPU seconds each; the Jacobian of the game's forces after 1,000 rounds of rate 0.1:

  genlab --config=dirac_gan
    growth -0.010, rotation 1.000, and a force of 0.14 left: the players circle.
  genlab --config=dirac_gan:r1
    growth -0.150, rotation 0.954, force 1e-7: they come to rest in the equilibrium.
  genlab --config=dirac_gan:gradient_penalty
    growth -0.500, rotation 0.866, force 1.3: the penalty's target of 1 keeps them away from it.
"""

from genlab.shipped.configs import base
from ml_collections import ConfigDict

VARIANTS = ("tiny", "minimax", "r1", "gradient_penalty")


def get_config(variant: str = "") -> ConfigDict:
    """Non-saturating and without a penalty; `minimax`; `r1`; `gradient_penalty`, that of WGAN-GP."""
    config = base.get_config()
    config.experiment = dict(name="gan", latent_dim=1)
    config.objective = dict(name="non_saturating")
    config.model = dict(
        generator=dict(name="dirac_generator"),
        discriminator=dict(name="dirac_discriminator"),
    )
    descent = dict(name="sgd", learning_rate=0.1)
    config.optimizer = dict(generator=descent, discriminator=descent)
    config.data.name = "point"
    config.train = dict(steps=1000, batch_size=8, steps_per_call=100)
    config.log.every = 100
    config.eval.metrics = ("game_spectrum",)
    config.sample = dict(every=1000, plots=("phase_portrait", "game_spectrum"))

    match variant:
        case "tiny":
            base.tiny(config)
            config.eval.metrics = ("game_spectrum",)
        case "minimax":
            config.objective.name = "minimax"
        case "r1":
            config.experiment.penalty = dict(name="r1", weight=0.3)
        case "gradient_penalty":
            config.objective = dict(name="wasserstein")
            config.experiment.penalty = dict(name="gradient_penalty", weight=0.5)
    return config
