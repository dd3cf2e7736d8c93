"""A GAN on a grid of 25 Gaussians: a recipe that keeps them all, and a variant for every stabiliser.

Papers: R1: Mescheder et al. 2018, arXiv:1801.04406; protocol of the variants: PacGAN, Lin et al. 2018,
arXiv:1712.04086; the parts that they are named after say their own

  genlab --config=gan_grid
    R1, an averaged generator of five layers, 20,000 rounds: 25 of 25 modes by either rule and 96.8 % of 2,500
    samples within 3 standard deviations (seed 0; of real points 98.6 %); 54 s of CPU time.
  genlab sweep --config=gan_grid --seeds=10
    every seed has 25 of 25 modes by either rule and 95.7 to 97.5 % within 3 standard deviations, mean 96.6 %
    (96.2 to 97.1); reverse KL .0052 nats; 2 min 21 s on one core.
  genlab sweep --config=gan_grid:gan --seeds=10
    PacGAN's plain GAN made small (`configs/common/pacgan.py`): 14.5 of 25 modes have a sample, 42 % of the
    samples are within 3 standard deviations, reverse KL .58 nats; ten seeds in 43 s of one core.
  genlab sweep --config=gan_grid:r1 --seeds=10
    23.8 modes, 33 %, .029 nats; 49 s.
  genlab sweep --config=gan_grid:gradient_penalty --seeds=10
    23.6 modes, 16 %, .022 nats; 3,400 rounds of five moves of the critic, 62 s.
  python -m benchmarks families methods grid --seeds=10
    these and all other variants in one table, which RESULTS has; 38 min of one core.
"""

from genlab.shipped.configs import base
from genlab.shipped.configs.common import pacgan
from ml_collections import ConfigDict

VARIANTS = ("tiny", *pacgan.METHODS)


def get_config(variant: str = "") -> ConfigDict:
    """The best recipe; `gan` is the plain GAN of the paper, and the others change it by one part."""
    config = base.get_config()
    pacgan.protocol(config, "grid")
    match variant:
        case "":
            _steady(config)
        case "tiny":
            _steady(config)
            config.model.generator.hidden = config.model.discriminator.hidden = (8,)
            _remembering(config)
            base.tiny(config)
            config.eval.metrics = (dict(name="mode_coverage", num_samples=100),)
        case _:
            pacgan.method(config, variant)
    return config


def _steady(config: ConfigDict) -> None:
    """R1, an average of a deeper generator without normalisation, no momentum, and rates that fall."""
    config.experiment.penalty = dict(name="r1", weight=0.3)
    config.model = dict(
        generator=dict(
            name="mlp_generator", hidden=(128,) * 5, output_activation="identity"
        ),
        discriminator=dict(name="maxout_discriminator", hidden=(64,) * 3, pieces=2),
    )
    decay = dict(name="linear", begin=8000, steps=12_000, end=0.02)
    adam = dict(name="adam", learning_rate=1e-3, b1=0.0, b2=0.99, schedule=decay)
    config.optimizer = dict(generator=dict(adam, ema=0.998), discriminator=adam)
    config.train.steps = config.checkpoint.every = 20_000


def _remembering(config: ConfigDict) -> None:
    """Every stabiliser of points that keeps something in the state."""
    average = dict(name="historical_averaging")
    game = config.experiment.to_dict()
    penalties = [game["penalty"], dict(name="lecam"), average]
    config.experiment = dict(game, penalty=penalties, generator_penalty=average, pool=4)
    inside = dict(config.model.generator.to_dict(), norm="batch")
    config.model.generator = dict(name="virtual_batch_norm", network=inside, examples=4)
