"""pix2pix: a U-Net against a discriminator of patches, from pairs of images.

Paper: Isola, Zhu, Zhou & Efros 2017, arXiv:1611.07004

  python launch.py --config=configs/pix2pix.py
    white sprites to sprites whose colour says their shape, 32 px, width 16. Not measured yet.
  python launch.py --config=configs/pix2pix.py:folder --config.data.name=paired_folder:DIR
    pairs of one's own, 64 px; `folder_l1` minimises L1 alone. Not measured yet.
  python launch.py --config=configs/pix2pix.py:paper --config.data.name=paired_folder:DIR
    the paper's sizes and numbers; for a GPU. Not measured yet.
"""

from ml_collections import ConfigDict

from configs import base

VARIANTS = ("tiny", "folder", "folder_l1", "paper")


def get_config(variant: str = "") -> ConfigDict:
    """Default: `shape_pairs`; `folder` for 64 px of one's own; `paper` has its sizes and numbers."""
    config = base.get_config()
    config.experiment = dict(
        name="pix2pix",
        reconstruction=dict(name="l1", weight=100.0),
        discriminator_weight=0.5,
    )
    config.objective = dict(name="non_saturating")
    config.model = dict(
        generator=dict(name="unet", width=16, depth=5, norm="instance"),
        discriminator=dict(
            name="patch_discriminator", width=16, layers=2, norm="instance"
        ),
    )
    adam = dict(name="adam", learning_rate=2e-4, b1=0.5)
    config.optimizer = dict(generator=adam, discriminator=adam)
    config.data.update(name="shape_pairs", change="ink", value_range=(-1.0, 1.0))
    config.train = dict(steps=1000, batch_size=16, steps_per_call=20)
    config.eval.metrics = ("translation", "factor_agreement", "diversity")
    config.eval.batch_size = 64
    config.sample = dict(every=500, plots=("translations",))
    config.checkpoint.every = 500

    match variant:
        case "tiny":
            config.model.generator.update(width=4, depth=3)
            config.model.discriminator.update(width=4, layers=1)
            config.data.image_size = 12
            config.train = dict(steps=8, batch_size=8, steps_per_call=2)
            config.log.every = config.sample.every = config.checkpoint.every = 4
            config.eval.metrics = (
                dict(name="translation", num=16),
                dict(name="factor_agreement", num=16),
                dict(name="diversity", num=4, draws=3),
            )
        case "folder" | "folder_l1":
            _of_folder(config)
            config.model.generator.update(width=32, depth=6)
            config.model.discriminator.update(width=32, layers=3)
            config.train = dict(steps=6000, batch_size=4, steps_per_call=20)
            config.data.augment = (
                dict(name="random_jitter", enlarge=8),
                "horizontal_flip",
            )
            if variant == "folder_l1":
                config.experiment = dict(name="translator")
                config.objective = dict(name="l1")
                del config.model.discriminator, config.optimizer.discriminator
        case "paper":
            _of_folder(config)
            config.model.generator = dict(name="unet", norm="batch")
            config.model.discriminator = dict(name="patch_discriminator", norm="batch")
            config.data.image_size = 256
            config.data.augment = (
                dict(name="random_jitter", enlarge=30),
                "horizontal_flip",
            )
            config.train = dict(steps=80_000, batch_size=1, steps_per_call=20)
            config.eval.batch_size = 1
            config.log.every = 400
            config.sample.every = config.checkpoint.every = 4000
    return config


def _of_folder(config: ConfigDict) -> None:
    preparation = {knob: config.data[knob] for knob in base.get_config().data}
    config.data = dict(preparation, name="paired_folder")
    config.eval.metrics = ("translation", "diversity")
