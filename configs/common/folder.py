"""What recipes for a folder of one's own images share."""

from ml_collections import ConfigDict


def images_of_a_folder(config: ConfigDict) -> None:
    """Its images in colour at 64 px, with DiffAugment, which a few hundred of them need."""
    config.data.update(name="folder", image_size=64, channels=3)
    config.data.augment = ("horizontal_flip",)
    config.experiment.augment = dict(name="diff_augment")
    config.train.steps_per_call = 20
    config.optimizer.generator.ema = 0.999
    config.eval.metrics = config.eval.final_metrics = ()
    config.sample.every = config.checkpoint.every = 1000
