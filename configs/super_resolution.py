"""Super-resolution: what a bicubic enlargement lacks, from blocks of residual convolutions.

Paper: Lim et al. 2017, arXiv:1707.02921 (the network); Ledig et al. 2017, arXiv:1609.04802 (the
  adversarial variant)

  genlab --config=super_resolution
    sprites of six hues, 8 to 32 px (x4), L1 alone, two CPU cores: PSNR 28.5 dB, SSIM 0.958 (bicubic
    24.3 and 0.892, nearest 22.5 and 0.878); 45 CPU seconds.
  genlab --config=super_resolution:x2
    16 to 32 px: 38.1 dB, 0.991 (bicubic 29.9 and 0.973); 161 CPU seconds.
  genlab --config=super_resolution:adversarial
    x4, a stage of L1 and then as many rounds against a discriminator: 28.9 dB, 0.959, and a sharpness of 0.24 of
    the targets' (L1 alone 0.15); 98 CPU seconds. `perceptual_distance` 0.0072, of L1 alone 0.0078, and 0.0066 after
    as many rounds in all (one seed each).
"""

from genlab.shipped.configs import base
from genlab.shipped.configs.common import translation
from ml_collections import ConfigDict

VARIANTS = ("tiny", "x2", "adversarial", "folder")


def get_config(variant: str = "") -> ConfigDict:
    """Default: x4 by L1; `adversarial` adds a discriminator and, given a run, a perceptual term."""
    config = base.get_config()
    config.experiment = dict(name="translator")
    config.objective = dict(name="l1")
    config.model = dict(generator=dict(name="subpixel_resnet", width=24, blocks=4))
    config.optimizer = dict(generator=_adam(2000))
    config.data.update(name="shapes", image_size=32, colors=6, places=4)
    config.data.value_range = (-1.0, 1.0)
    config.data.degrade = dict(name="downsample", factor=4)
    config.train = dict(steps=2000, batch_size=16, steps_per_call=20)
    config.eval.update(batch_size=64, metrics=("translation",))
    config.sample = dict(every=500, plots=("translations",))
    config.checkpoint.every = 500

    match variant:
        case "tiny":
            config.model.generator.update(width=4, blocks=1)
            config.data.update(name="digits", image_size=12)
            del config.data.colors, config.data.places
            config.data.degrade.factor = 2
            base.tiny(config)
            config.eval.every = 0  # translating takes long to compile
            config.eval.metrics = (dict(name="translation", num=16),)
        case "x2":
            config.data.degrade.factor = 2
        case "adversarial":
            config.stages = (_regression(config),)
            config.start = dict(
                name="copy", parts={"generator/generator": "l1/generator/generator"}
            )
            game = translation.unet_against_patches()
            config.experiment, config.objective = game.experiment, game.objective
            config.experiment.conditional = False
            config.experiment.reconstruction.weight = 1000.0
            # dict(name="perceptual", run=DIR, weight=10.0): features of a classifier's run
            config.experiment.perceptual = None
            # Instance norm would enlarge what little there is in the flat background.
            config.model.discriminator = dict(game.model.discriminator, norm="none")
            translation.train_for(config, translation.PLAYERS, 2000, 2e-4)
        case "folder":
            translation.of_folder(config, "folder", image_size=128, channels=3)
            config.data.augment = ("horizontal_flip",)
            config.model.generator.update(width=64, blocks=16)
            config.optimizer.generator = _adam(100_000)
            config.train = dict(steps=100_000, batch_size=16, steps_per_call=20)
            config.sample.every = config.checkpoint.every = 4000
    return config


def _regression(config: ConfigDict) -> dict:
    """The stage that minimises L1, as the paper's network starts from one that minimised L2."""
    parts = ("experiment", "objective", "model", "optimizer", "train")
    return dict(name="l1", **{part: config[part].to_dict() for part in parts})


def _adam(steps: int) -> dict:
    schedule = dict(name="cosine", steps=steps, warmup=50)
    return dict(name="adam", learning_rate=1e-3, schedule=schedule)
