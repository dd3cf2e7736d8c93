"""Convolutional autoencoder: a pyramid of strided convolutions, and transposed ones back up.

Papers: Masci et al. 2011, ICANN; transposed convolutions: Zeiler et al. 2010, CVPR

Two CPU cores; nats of the test split, and accuracy of a linear probe on the codes (raw pixels:
96.7 %):

  python launch.py --config=configs/convolutional_autoencoder.py
    scikit-learn's digits, 16 px, a code of 16: 76.1 nats, half the squared error 0.40, probe 96.3 %
    (an untrained encoder: 82.3 %).
  python launch.py --config=configs/convolutional_autoencoder.py:mnist --config.data.data_dir=DIR
    MNIST, a code of 32: Not measured yet.
"""

from ml_collections import ConfigDict

from configs import base
from genlab.sweep.space import grid

VARIANTS = ("tiny", "denoising", "mnist")


def get_config(variant: str = "") -> ConfigDict:
    """Two halvings to a code of 16, two doublings back."""
    config = base.get_config()
    config.experiment = dict(name="autoencoder")
    config.objective = dict(name="bernoulli")
    config.model = dict(
        encoder=dict(
            name="conv_code_encoder", latent_dim=16, channels=(16, 32), hidden=128
        ),
        decoder=dict(name="conv_decoder", channels=(32, 16), hidden=128),
    )
    config.optimizer = dict(autoencoder=dict(name="adam", learning_rate=1e-3))
    config.data.update(name="digits", image_size=16)
    config.train = dict(steps=5000, batch_size=100, steps_per_call=100)
    config.log.every = 500
    config.eval.update(every=2500, best="reconstruction", metrics=("linear_probe",))
    config.sample = dict(
        every=2500, plots=("reconstructions", "interpolations", "latent_embedding")
    )
    config.checkpoint.every = 2500

    match variant:
        case "tiny":
            config.model.encoder.update(latent_dim=3, channels=(4,), hidden=8)
            config.model.decoder.update(channels=(4,), hidden=8)
            config.data.image_size = 8
            config.train = dict(steps=8, batch_size=8, steps_per_call=2)
            config.log.every = config.eval.every = config.sample.every = 4
            config.checkpoint.every = 4
            config.eval.metrics = ()
        case "denoising":
            config.experiment.corruption = dict(name="masking", fraction=0.25)
        case "mnist":
            config.model.encoder.update(latent_dim=32, channels=(32, 64), hidden=256)
            config.model.decoder.update(channels=(64, 32), hidden=256)
            config.data.update(name="tfds:mnist", data_dir="", image_size=28)
            config.train.steps = 20_000
    return config


def sweep_code():
    """Reconstruction and probe against the width of the code."""
    return grid(model__encoder__latent_dim=(2, 4, 8, 16, 32))
