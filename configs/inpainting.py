"""Inpainting: pix2pix that fills holes and leaves the rest as it is.

Paper: Pathak et al. 2016, arXiv:1604.07379; free-form holes: Yu et al. 2019, arXiv:1806.03589

  genlab --config=inpainting
    scikit-learn's digits, 32 px, a hole of 8 to 16 pixels a side, two CPU cores: inside the holes
    PSNR 20.4 dB, SSIM 0.825 (empty 9.0 and 0.212), of whole images 29.2 and 0.950; 174 CPU seconds.
  genlab --config=inpainting:strokes
    free-form holes: 30.1 dB, 0.979 (empty 8.2 and 0.391), of whole images 39.1 and 0.995; 137 CPU
    seconds.
"""

from genlab.shipped.configs import base
from genlab.shipped.configs.common import translation
from ml_collections import ConfigDict

VARIANTS = ("tiny", "strokes", "folder")


def get_config(variant: str = "") -> ConfigDict:
    """Default: boxes in digits; `strokes` for free-form holes, `folder` for 128 px of one's own."""
    config = translation.unet_against_patches()
    config.experiment.fill_only = True
    config.data.update(name="digits", image_size=32)
    config.data.degrade = dict(name="box_holes", count=1, least=0.25, most=0.5)

    match variant:
        case "tiny":
            config.model.generator.update(width=4, depth=3, norm="batch")
            # Batch norm of flat patches would enlarge the rounding that tests compare.
            config.model.discriminator.update(width=4, layers=1, norm="none")
            config.data.image_size = 12
            base.tiny(config)
            # What is outside the holes is alike, so that first slopes are near 0, and rounding.
            translation.train_for(config, translation.PLAYERS, 8, 2e-5)
            config.eval.every = 0  # translating takes long to compile
            config.eval.metrics = (dict(name="translation", num=16),)
        case "strokes":
            config.data.degrade = dict(name="stroke_holes")
        case "folder":
            translation.large(config)
            config.data.degrade = dict(name="stroke_holes", count=6)
    return config
