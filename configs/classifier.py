"""Classifier: a small convolutional network, later a named feature network for metrics.

Two CPU cores:

  genlab --config=classifier
    scikit-learn's digits, 32 px: 99.3 % of 300 test digits after 600 rounds, in 11 s.
  genlab --config=classifier:mnist --config.data.data_dir=DIR
    MNIST: 99.05 % of 10,000 test digits after 5,000 rounds, in 65 s.
"""

from genlab.shipped.configs import base
from ml_collections import ConfigDict

VARIANTS = ("tiny", "features", "mnist")


def get_config(variant: str = "") -> ConfigDict:
    """Strided convolutions, one hidden layer, cross-entropy."""
    config = base.get_config()
    config.experiment = dict(name="classifier")
    config.objective = dict(name="cross_entropy")
    config.model = dict(classifier=dict(name="conv_classifier"))
    schedule = dict(name="cosine", steps=600, warmup=50)
    config.optimizer = dict(
        classifier=dict(
            name="adamw", learning_rate=2e-3, weight_decay=1e-2, schedule=schedule
        )
    )
    config.data.update(name="digits", image_size=32, value_range=(-1.0, 1.0))
    config.train = dict(steps=600, batch_size=64, steps_per_call=20)
    config.log.every = 100
    config.eval.update(every=100, best="cross_entropy")
    config.checkpoint.every = 300

    match variant:
        case "tiny":
            config.model.classifier.update(channels=(4,), hidden=8)
            config.data.image_size = 8
            base.tiny(config)
        case "features":
            config.model.classifier.update(channels=(16, 32), hidden=64)
            config.data.image_size = 16
        case "mnist":
            config.data.name = "tfds:mnist"
            config.data.data_dir = ""
            config.data.image_size = 28
            config.train = dict(steps=5000, batch_size=128, steps_per_call=20)
            config.optimizer.classifier.schedule.steps = 5000
            config.eval.every = config.checkpoint.every = 1000
    return config
