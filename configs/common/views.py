"""What recipes of two views share: networks, augmentations, MNIST, folders and CIFAR-10."""

from typing import Any

from genlab.shipped.configs import base
from ml_collections import ConfigDict

PROBES = ("linear_probe", "nearest_neighbour_probe")
# Of 5,000 labels at most, with few strengths to choose from: many pixels take long beside codes.
PROBES_OF_MANY = (
    dict(name="linear_probe", num_train=5000, C=(1e-3, 1e-2, 0.1)),
    dict(name="nearest_neighbour_probe", num_train=5000),
)
# The encoder of MNIST and of folders.
WIDER = dict(
    name="conv_code_encoder",
    latent_dim=64,
    channels=(32, 64),
    hidden=256,
    code_activation="relu",
)


def of_digits(loss: str, **knobs: float) -> ConfigDict:
    """Views of scikit-learn's digits at 16 px, cut out, turned and jittered; a small convolutional encoder."""
    config = base.get_config()
    crop = dict(name="random_resized_crop", min_area=0.3)
    config.experiment = dict(
        name="two_view", augment=[crop, "random_rotation", "color_jitter"]
    )
    config.objective = dict(name=loss, **knobs)
    config.model = dict(
        encoder=dict(
            name="conv_code_encoder",
            latent_dim=64,
            hidden=128,
            code_activation="relu",
        ),
        projector=dict(name="mlp", hidden=(128,), outputs=64, norm="batch"),
    )
    config.optimizer = dict(learner=_adam(1e-3, 2000))
    config.data.update(name="digits", image_size=16)
    config.train = dict(steps=2000, batch_size=128, steps_per_call=20)
    config.log.every = 200
    config.eval.final_metrics = PROBES
    config.sample = dict(every=2000, plots=("latent_embedding",))
    config.checkpoint.every = 1000
    return config


def tiny(config: ConfigDict) -> None:
    """At 8 px, eight rounds.

    Without norms, since a bias before one follows rounding, and without units that die, since a projection of zero
    has no direction: both would be scaled up, and so would rounding in a projection of few numbers, near zero more often.
    """
    sizes = dict(channels=(4,), hidden=8, latent_dim=3)
    smooth = dict(activation="tanh", code_activation="identity")
    config.model.encoder.update(**sizes, **smooth)
    for role in ("projector", "predictor"):
        if role in config.model:
            narrow = dict(hidden=(8,), outputs=8)
            config.model[role].update(**narrow, activation="tanh", norm="none")
    config.experiment.augment = ["random_resized_crop"]
    config.data.image_size = 8
    config.sample.plots = ()
    base.tiny(config)


def on_mnist(config: ConfigDict) -> None:
    """MNIST by an encoder twice as wide, 1,500 rounds of 256: a few minutes of one CPU core."""
    _sized(config, batch_size=256)
    config.data.update(name="tfds:mnist", data_dir="", image_size=28)
    config.eval.final_metrics = PROBES_OF_MANY


def on_folder(config: ConfigDict) -> None:
    """Images in colour at 32 px, a sub-folder for each class, 1,500 rounds of 128."""
    _sized(config, batch_size=128)
    config.data.update(name="folder", image_size=32, channels=3)
    config.eval.final_metrics = PROBES_OF_MANY
    config.experiment.augment = [
        dict(name="random_resized_crop", min_area=0.3),
        "horizontal_flip",
        "color_jitter",
    ]


def _sized(config: ConfigDict, batch_size: int) -> None:
    config.model.encoder = ConfigDict(WIDER)
    for role in ("projector", "predictor"):
        if role in config.model:
            config.model[role].update(hidden=(256,), outputs=128)
    config.train = dict(steps=1500, batch_size=batch_size, steps_per_call=50)
    config.optimizer.learner = _adam(1e-3, 1500)
    config.sample.every = config.checkpoint.every = 1500


def on_cifar10(config: ConfigDict, epochs: int) -> None:
    """ResNet-18 on CIFAR-10 in batches of 512, with the augmentations of SimCLR for it, which blur nothing.

    Paper: Chen et al. 2020, arXiv:2002.05709, appendix B.9
    """
    steps = epochs * 50_000 // 512
    config.model.encoder = dict(name="resnet_encoder")
    jitter = dict(name="color_jitter", probability=0.8)
    crop = dict(name="random_resized_crop", min_area=0.08)
    config.experiment.augment = [crop, "horizontal_flip", jitter, "random_grayscale"]
    config.data.update(name="tfds:cifar10", data_dir="", image_size=32)
    config.train = dict(steps=steps, batch_size=512, steps_per_call=50)
    config.log.every = 500
    config.sample.every = config.checkpoint.every = 5000


def _adam(rate: float, steps: int) -> dict[str, Any]:
    schedule = dict(name="cosine", steps=steps, warmup=steps // 20)
    return dict(name="adamw", learning_rate=rate, weight_decay=1e-4, schedule=schedule)
