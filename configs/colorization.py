"""Colourisation: pix2pix from luminance to colour.

Paper: Isola et al. 2017, arXiv:1611.07004; Zhang et al. 2016, arXiv:1603.08511

  genlab --config=colorization
    sprites of six hues, 32 px, width 16, two CPU cores: 100, 100 and 99.8 % of 1,000 outputs have the hue of
    the truth by the exact factors (three seeds; by chance 16.7), PSNR 33.1 dB (32.0 to 34.2), SSIM 0.975
    (0.962 to 0.988; the input 19.7 and 0.803); 87 CPU seconds a seed.
  genlab --config=colorization:cross_entropy
    the cross entropy of channels alone: 100, 100 and 99.6 %, 33.5 dB (31.4 to 35.6), 0.975 (three seeds).
  genlab --config=colorization:l1
    L1 in its place: 33.3 % (30.5 to 36.3; one seed), 23.8 dB, 0.903. Luminance tells the hue, but blue goes on
    and off five times from the darkest to the lightest, and where a tanh is saturated L1 has no slope left to
    change a colour that was chosen first.
"""

from genlab.shipped.configs import base
from genlab.shipped.configs.common import translation
from ml_collections import ConfigDict

VARIANTS = ("tiny", "cross_entropy", "l1", "folder")


def get_config(variant: str = "") -> ConfigDict:
    """Default: `shapes` in six colours, `cross_entropy` and `l1` without a discriminator; `folder` for 128 px of one's
    own."""
    config = translation.unet_against_patches()
    # Instance norm takes away how bright a sprite is, which tells its hue.
    config.model.generator.norm = "batch"
    config.experiment.reconstruction.name = "channel_cross_entropy"
    config.data.update(name="shapes", image_size=32, colors=6, places=4)
    config.data.degrade = dict(name="grayscale")
    config.eval.metrics = ("translation", dict(name="factor_agreement", factor="color"))

    match variant:
        case "tiny":
            # Norms of flat patches would enlarge the rounding that tests compare.
            config.model.generator.update(width=4, depth=2, norm="none")
            config.model.discriminator.update(width=4, layers=1, norm="none")
            config.data.update(name="digits", image_size=12, channels=3)
            del config.data.colors, config.data.places
            base.tiny(config)
            config.eval.every = 0  # translating takes long to compile
            config.eval.metrics = (dict(name="translation", num=16),)
        case "cross_entropy" | "l1":
            config.model.generator.dropout = None
            translation.without_discriminator(config)
            if variant == "cross_entropy":
                config.objective.name = "channel_cross_entropy"
        case "folder":
            config.experiment.reconstruction.name = "l1"
            translation.large(config)
            config.eval.metrics = ("translation",)
    return config
