"""Recurrent autoencoder: a sequence to a vector, and the vector to the sequence.

Papers: Cho et al. 2014, arXiv:1406.1078; Srivastava et al. 2015, arXiv:1502.04681; melodies: Roberts
et al. 2018, arXiv:1803.05428

Two CPU cores; nats of the test split, and accuracy of a linear probe on the codes (raw pixels:
96.7 %):

  python launch.py --config=configs/recurrent_autoencoder.py
    rows of scikit-learn's digits, 16 px, a code of 16: 76.9 nats, half the squared error 0.54, probe
    98.0 % (an untrained encoder: 77.0 %).
  python launch.py --config=configs/recurrent_autoencoder.py:folksongs
    two bars of folk songs (pip install -e '.[music]'): Not measured yet; after 1,000 of its 4,000
    rounds 7.0 nats for 32 steps.
"""

from ml_collections import ConfigDict

from configs import base
from genlab.sweep.space import grid

VARIANTS = ("tiny", "gru", "mnist", "folksongs")


def get_config(variant: str = "") -> ConfigDict:
    """LSTMs that read and write digits row by row."""
    config = base.get_config()
    config.experiment = dict(name="autoencoder")
    config.objective = dict(name="bernoulli")
    config.model = dict(
        encoder=dict(name="recurrent_encoder", latent_dim=16, hidden=128, cell="lstm"),
        decoder=dict(name="recurrent_decoder", hidden=128, cell="lstm"),
    )
    config.optimizer = dict(autoencoder=dict(name="adam", learning_rate=2e-3, clip=1.0))
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
            config.model.encoder.update(latent_dim=3, hidden=6)
            config.model.decoder.hidden = 6
            config.data.image_size = 8
            config.train = dict(steps=8, batch_size=8, steps_per_call=2)
            config.log.every = config.eval.every = config.sample.every = 4
            config.checkpoint.every = 4
            config.eval.metrics = ()
        case "gru":
            config.model.encoder.cell = config.model.decoder.cell = "gru"
        case "mnist":
            config.model.encoder.latent_dim = 32
            config.data.update(name="tfds:mnist", data_dir="", image_size=28)
            config.train.steps = 20_000
        case "folksongs":
            del config.data.image_size
            config.data.name = "folksongs"
            config.objective = dict(name="categorical")
            config.model.encoder.update(latent_dim=64, hidden=128, bidirectional=True)
            config.model.decoder.hidden = 256
            config.train.steps = 4000
            config.eval.metrics = ()
            config.sample.plots = ("melodies",)
    return config


def sweep_code():
    """Reconstruction against the width of the code."""
    return grid(model__encoder__latent_dim=(2, 4, 8, 16, 32))
