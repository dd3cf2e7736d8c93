"""What the recipes of image translation share."""

from genlab.shipped.configs import base
from ml_collections import ConfigDict

PLAYERS = ("generator", "discriminator")


def unet_against_patches() -> ConfigDict:
    """A U-Net of width 16 against patches of 34 px, for images of 32 px; the data is to be named."""
    config = base.get_config()
    # Weights and objective belong together: `least_squares`, whose terms have a half already, takes
    # reconstruction.weight=50 and discriminator_weight=1.
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
    config.data.value_range = (-1.0, 1.0)
    config.train = dict(batch_size=16, steps_per_call=20)
    train_for(config, PLAYERS, 2000, 1e-3)
    config.eval.update(batch_size=64, metrics=("translation",))
    config.sample = dict(every=500, plots=("translations",))
    config.checkpoint.every = 500
    return config


def without_discriminator(config: ConfigDict) -> None:
    """The generator alone, which minimises L1."""
    config.experiment = dict(name="translator")
    config.objective = dict(name="l1")
    del config.model.discriminator, config.optimizer.discriminator


def train_for(config: ConfigDict, players: tuple, steps: int, rate: float) -> None:
    """Adam at `rate` for half of the rounds, which then falls to 0; narrow networks take high ones."""
    schedule = dict(name="linear", begin=steps // 2, steps=steps - steps // 2)
    adam = dict(name="adam", learning_rate=rate, b1=0.5, schedule=schedule)
    config.train.steps = steps
    config.optimizer = dict.fromkeys(players, adam)


def large(config: ConfigDict) -> None:
    """The published width, on 128 px of one's own images; for a GPU."""
    of_folder(config, "folder", image_size=128, channels=3)
    config.data.augment = ("horizontal_flip",)
    config.model.generator.update(width=64, depth=7, norm="batch")
    config.model.discriminator.update(width=64, layers=3, norm="batch")
    config.train = dict(batch_size=16, steps_per_call=20)
    train_for(config, PLAYERS, 100_000, 2e-4)
    config.eval.batch_size = 16  # what batch norm looks across, as in training
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
