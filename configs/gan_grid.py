"""A GAN on a grid of 25 Gaussians: PacGAN's protocol, and a variant for every stabiliser."""

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
