"""Inpainting: pix2pix that fills holes and leaves the rest as it is.

Paper: Pathak et al. 2016, arXiv:1604.07379; free-form holes: Yu et al. 2019, arXiv:1806.03589

  python launch.py --config=configs/inpainting.py
    scikit-learn's digits, 32 px, a hole of 8 to 16 pixels a side. Not measured yet.
"""

from ml_collections import ConfigDict

from configs import base

VARIANTS = ("tiny", "strokes", "folder")


def get_config(variant: str = "") -> ConfigDict:
    """Default: boxes in digits; `strokes` for free-form holes, `folder` for 128 px of one's own."""
    config = base.get_config()
    config.experiment = dict(
        name="pix2pix",
        reconstruction=dict(name="l1", weight=100.0),
        fill_only=True,
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
    config.data.update(name="digits", image_size=32, value_range=(-1.0, 1.0))
    config.data.degrade = dict(name="box_holes", count=1, least=0.25, most=0.5)
    config.train = dict(steps=2000, batch_size=16, steps_per_call=20)
    config.eval.metrics = ("translation",)
    config.sample = dict(every=500, plots=("translations",))
    config.checkpoint.every = 500

    match variant:
        case "tiny":
            config.model.generator.update(width=4, depth=3)
            config.model.discriminator.update(width=4, layers=1)
            config.data.image_size = 12
            config.train = dict(steps=8, batch_size=8, steps_per_call=2)
            config.log.every = config.sample.every = config.checkpoint.every = 4
            config.eval.metrics = (dict(name="translation", num=16),)
        case "strokes":
            config.data.degrade = dict(name="stroke_holes")
        case "folder":
            preparation = {knob: config.data[knob] for knob in base.get_config().data}
            config.data = dict(preparation, name="folder", image_size=128, channels=3)
            config.data.degrade = dict(name="stroke_holes", count=6)
            config.data.augment = ("horizontal_flip",)
            config.model.generator.update(width=64, depth=7, norm="batch")
            config.model.discriminator.update(width=64, layers=3, norm="batch")
            config.train = dict(steps=100_000, batch_size=16, steps_per_call=20)
            config.sample.every = config.checkpoint.every = 4000
    return config
