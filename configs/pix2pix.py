"""pix2pix: a U-Net against a discriminator of patches, from pairs of images.

Paper: Isola, Zhu, Zhou & Efros 2017, arXiv:1611.07004

  genlab --config=pix2pix
    outlines of sprites to filled sprites, 32 px, width 16, two CPU cores: 100 % of 1,000 outputs are
    the right shape, filled, by the exact factors (of the inputs as they are 0 %); L1 to the truth
    0.0043 (of the inputs 0.0186); 176 CPU seconds.
  genlab --config=pix2pix:ink
    white sprites to sprites whose colour says their shape: right in 33, 50 and 50 % (seeds 0, 1 and 2; by
    chance 33 %); 301 CPU seconds (seed 0).
  genlab --config=pix2pix:ink_l1
    the same without a discriminator, batch norm in the place of instance norm, no dropout: right in 98.4 %
    (97.4 to 99.0; one seed); 2,000 rounds, 3 to 5 min beside other work.
  genlab --config=pix2pix:folder --config.data.name=paired_folder:DIR
    pairs of one's own, 64 px, width 32; `folder_l1` minimises L1 alone. Twemoji to Noto, 1,271 pairs:
    Frechet distance 235 in the features of a classifier of their categories (L1 alone 441, the input
    as it is 269), L1 0.154 (0.132, 0.174); 19 min of CPU time (13). With bilinear upsampling and DiffAugment less
    of a pattern at about the same distance from the targets: RESULTS.md.
  genlab --config=pix2pix:paper --config.data.name=paired_folder:DIR
    the paper's sizes and numbers; for a GPU; not run.
"""

from genlab.shipped.configs import base
from genlab.shipped.configs.common import translation
from ml_collections import ConfigDict

VARIANTS = ("tiny", "ink", "ink_l1", "folder", "folder_l1", "paper")


def get_config(variant: str = "") -> ConfigDict:
    """Default: `shape_pairs`; `folder` for 64 px of one's own; `paper` has its sizes and numbers."""
    config = translation.unet_against_patches()
    config.data.update(name="shape_pairs", change="fill")
    config.eval.metrics = ("translation", "factor_agreement", "diversity")

    match variant:
        case "ink":
            config.data.change = "ink"
            translation.train_for(config, translation.PLAYERS, 4000, 1e-3)
        case "ink_l1":
            config.data.change = "ink"
            # Instance norm takes away what is the same everywhere: which shape it is, on its way up.
            config.model.generator.update(norm="batch", dropout=None)
            translation.without_discriminator(config)
        case "tiny":
            config.model.generator.update(width=4, depth=3)
            config.model.discriminator.update(width=4, layers=1)
            config.data.image_size = 12
            base.tiny(config)
            config.eval.every = 0  # translating takes long to compile
            config.eval.metrics = (
                dict(name="translation", num=16),
                dict(name="factor_agreement", num=16),
                dict(name="diversity", num=4, draws=3),
            )
        case "folder" | "folder_l1":
            translation.of_folder(
                config, "paired_folder", metrics=("translation", "diversity")
            )
            config.model.generator.update(width=32, depth=6)
            config.model.discriminator.update(width=32, layers=3)
            config.train = dict(batch_size=4, steps_per_call=20)
            translation.train_for(config, translation.PLAYERS, 12_000, 5e-4)
            config.data.augment = translation.jitter(8)
            config.experiment.reconstruction.weight = 25.0
            config.sample.every = config.checkpoint.every = 2000
            if variant == "folder_l1":
                translation.without_discriminator(config)
        case "paper":
            translation.of_folder(
                config, "paired_folder", metrics=("translation", "diversity")
            )
            config.model.generator = dict(name="unet", norm="batch")
            config.model.discriminator = dict(name="patch_discriminator", norm="batch")
            config.data.image_size = 256
            config.data.augment = translation.jitter(30)
            config.train = dict(batch_size=1, steps_per_call=20)
            adam = dict(name="adam", learning_rate=2e-4, b1=0.5)  # to the end, as there
            config.train.steps = 80_000
            config.optimizer = dict.fromkeys(translation.PLAYERS, adam)
            config.eval.batch_size = 1
            config.log.every = 400
            config.sample.every = config.checkpoint.every = 4000
    return config
