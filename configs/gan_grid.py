"""A GAN on a grid of 25 Gaussians."""

from genlab.shipped.configs import base
from genlab.shipped.configs.common import pacgan
from ml_collections import ConfigDict

VARIANTS = ("tiny", "gan")


def get_config(variant: str = "") -> ConfigDict:
    config = base.get_config()
    pacgan.protocol(config, "grid")
    config.writers = ()
    if variant == "tiny":
        config.model.generator.hidden = config.model.discriminator.hidden = (8,)
        base.tiny(config)
        config.eval.metrics = (dict(name="mode_coverage", num_samples=100),)
    return config
