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
            pass
        case "tiny":
            config.model.generator.hidden = config.model.discriminator.hidden = (8,)
            base.tiny(config)
            config.eval.metrics = (dict(name="mode_coverage", num_samples=100),)
        case _:
            pacgan.method(config, variant)
    return config
