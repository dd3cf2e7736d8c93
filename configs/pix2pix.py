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
    config = unet_against_patches()
    config.data.update(name="shape_pairs", change="ink")
    config.eval.metrics = ("translation", "factor_agreement", "diversity")

    match variant:
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
            of_folder(config, "paired_folder", metrics=("translation", "diversity"))
            config.model.generator.update(width=32, depth=6)
            config.model.discriminator.update(width=32, layers=3)
            config.train = dict(steps=6000, batch_size=4, steps_per_call=20)
            config.data.augment = jitter(8)
            if variant == "folder_l1":
                config.experiment = dict(name="translator")
                config.objective = dict(name="l1")
                del config.model.discriminator, config.optimizer.discriminator
        case "paper":
            of_folder(config, "paired_folder", metrics=("translation", "diversity"))
            config.model.generator = dict(name="unet", norm="batch")
            config.model.discriminator = dict(name="patch_discriminator", norm="batch")
            config.data.image_size = 256
            config.data.augment = jitter(30)
            config.train = dict(steps=80_000, batch_size=1, steps_per_call=20)
            config.eval.batch_size = 1
            config.log.every = 400
            config.sample.every = config.checkpoint.every = 4000
    return config


def unet_against_patches() -> ConfigDict:
    """A U-Net of width 16 against patches of 16 px, for images of 32 px; the data is to be named."""
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
    config.data.value_range = (-1.0, 1.0)
    config.train = dict(steps=1000, batch_size=16, steps_per_call=20)
    config.eval.update(batch_size=64, metrics=("translation",))
    config.sample = dict(every=500, plots=("translations",))
    config.checkpoint.every = 500
    return config


def large(config: ConfigDict) -> None:
    """The published width, on 128 px of one's own images; for a GPU."""
    of_folder(config, "folder", image_size=128, channels=3)
    config.data.augment = ("horizontal_flip",)
    config.model.generator.update(width=64, depth=7, norm="batch")
    config.model.discriminator.update(width=64, layers=3, norm="batch")
    config.train = dict(steps=100_000, batch_size=16, steps_per_call=20)
    config.sample.every = config.checkpoint.every = 4000


def of_folder(config: ConfigDict, name: str, metrics: tuple = (), **knobs) -> None:
    """Images of one's own in the place of the embedded ones, prepared in the same way."""
    preparation = {knob: config.data[knob] for knob in base.get_config().data}
    config.data = dict(preparation, name=name, **knobs)
    if metrics:
        config.eval.metrics = metrics


def jitter(enlarge: int) -> tuple:
    """The paper's augmentation: enlarged by so many pixels, cut back at random, flipped."""
    return (dict(name="random_jitter", enlarge=enlarge), "horizontal_flip")
