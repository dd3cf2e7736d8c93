"""Normalizing flows of images: what their recipes share."""

from genlab.shipped.configs import base
from ml_collections import ConfigDict


def of_digits(network: dict) -> ConfigDict:
    """scikit-learn's digits at the 8 px and 17 levels that they have, noise within the levels; the network is chosen."""
    config = base.get_config()
    config.experiment = dict(name="density")
    config.objective = dict(name="description_length")
    config.model = dict(density=dict(network, levels=17, logit=1e-5))
    schedule = dict(name="cosine", steps=4000)
    adam = dict(name="adam", learning_rate=1e-3, clip=10.0, ema=0.995)
    config.optimizer = dict(density=dict(adam, schedule=schedule))
    config.data.update(name="digits", value_range=(-1.0, 1.0))
    config.train = dict(steps=4000, batch_size=64, steps_per_call=20)
    config.log.every = 500
    config.eval.update(every=1000, best="negative_log_likelihood")
    config.eval.final_metrics = ("class_coverage", "log_density")
    config.sample = dict(every=1000, plots=("samples",))
    config.checkpoint.every = 1000
    return config


def on_mnist(config: ConfigDict) -> None:
    """MNIST in their place."""
    _of_bytes(config, "mnist", image_size=28, steps=10_000, batch_size=128)


def on_cifar10(config: ConfigDict, steps: int) -> None:
    """CIFAR-10 in their place."""
    _of_bytes(config, "cifar10", image_size=32, steps=steps, batch_size=64)


def _of_bytes(
    config: ConfigDict, name: str, image_size: int, steps: int, batch_size: int
) -> None:
    """Images of TFDS, whose levels are 256."""
    config.data.update(name=f"tfds:{name}", data_dir="", image_size=image_size)
    config.model.density.levels = 256
    config.optimizer.density.update(ema=0.999)
    config.optimizer.density.schedule.steps = steps
    config.train = dict(steps=steps, batch_size=batch_size, steps_per_call=20)
    config.eval.final_metrics = ("log_density",)
    config.eval.every = config.sample.every = config.checkpoint.every = steps // 4
