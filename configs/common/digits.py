"""What recipes on digits share: how samples are measured, and GANs of a class."""

from typing import Any

from genlab.shipped.configs import base
from ml_collections import ConfigDict


def in_features_of_digits(num: int = 1000) -> tuple[dict[str, Any], ...]:
    """Metrics of `num` samples against the training digits, in a classifier that ships with genlab."""
    knobs = dict(features="digits_classifier", num=num)
    names = ("frechet", "precision_recall")
    return tuple(dict(name=name, **knobs) for name in names)


def conditional_gan() -> ConfigDict:
    """DCGAN of scikit-learn's digits at 16 px whose generator sees the class."""
    config = base.get_config()
    config.experiment = dict(name="gan", latent_dim=64)
    config.objective = dict(name="non_saturating")
    config.model = dict(
        generator=dict(
            name="conditional", network=dict(name="dcgan_generator", width=32)
        ),
        discriminator=dict(name="dcgan_discriminator", width=32),
    )
    adam = dict(name="adam", learning_rate=2e-4, b1=0.5)
    config.optimizer = dict(generator=dict(adam, ema=0.99), discriminator=adam)
    config.data.update(name="digits", image_size=16, value_range=(-1.0, 1.0))
    config.train = dict(steps=4000, batch_size=64, steps_per_call=20)
    config.eval.metrics = ("class_agreement",)
    config.eval.final_metrics = in_features_of_digits()
    config.sample = dict(every=1000, plots=("samples", "class_samples"))
    config.checkpoint.every = 1000
    return config


def on_mnist(config: ConfigDict) -> None:
    """The same on MNIST, still at 16 px, by a classifier that was fitted on 5,000 digits."""
    config.data.name = "tfds:mnist"
    config.data.data_dir = ""
    config.train.steps = 6000
    config.eval.metrics = (dict(name="class_agreement", num_train=5000),)
    config.eval.final_metrics = ()


def tiny_conditional_gan(config: ConfigDict) -> None:
    """At 8 px, eight rounds."""
    for part in config.model.values():
        while "network" in part:
            part = part["network"]
        part.width = 8
    config.experiment.latent_dim = 8
    config.data.image_size = 8
    base.tiny(config)
    few = dict(name="class_agreement", num_samples=4, num_train=200)
    config.eval.update(every=0, metrics=(few,))
