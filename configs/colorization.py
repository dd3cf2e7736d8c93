"""Colourisation: pix2pix from luminance to colour.

Paper: Isola et al. 2017, arXiv:1611.07004; Zhang et al. 2016, arXiv:1603.08511

  python launch.py --config=configs/colorization.py
    sprites of six hues, 32 px, width 16. Not measured yet.
"""

from ml_collections import ConfigDict

from configs import base

VARIANTS = ("tiny", "folder")


def get_config(variant: str = "") -> ConfigDict:
    """Default: `shapes` in six colours; `folder` for 128 px of one's own."""
    config = base.get_config()
    config.experiment = dict(
        name="pix2pix", reconstruction=dict(name="l1", weight=100.0)
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
    config.data.update(name="shapes", image_size=32, colors=6, places=4)
    config.data.value_range = (-1.0, 1.0)
    config.data.degrade = dict(name="grayscale")
    config.train = dict(steps=1000, batch_size=16, steps_per_call=20)
    config.eval.metrics = ("translation",)
    config.sample = dict(every=500, plots=("translations",))
    config.checkpoint.every = 500

    match variant:
        case "tiny":
            config.model.generator.update(width=4, depth=2)
            config.model.discriminator.update(width=4, layers=1)
            config.data.update(name="digits", image_size=12, channels=3)
            del config.data.colors, config.data.places
            config.train = dict(steps=8, batch_size=8, steps_per_call=2)
            config.log.every = config.sample.every = config.checkpoint.every = 4
            config.eval.metrics = (dict(name="translation", num=16),)
        case "folder":
            preparation = {knob: config.data[knob] for knob in base.get_config().data}
            config.data = dict(preparation, name="folder", image_size=128, channels=3)
            config.data.augment = ("horizontal_flip",)
            config.model.generator.update(width=64, depth=7, norm="batch")
            config.model.discriminator.update(width=64, layers=3, norm="batch")
            config.train = dict(steps=100_000, batch_size=16, steps_per_call=20)
            config.sample.every = config.checkpoint.every = 4000
    return config
