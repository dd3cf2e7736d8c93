"""Recurrent autoencoder: a sequence to a vector, and the vector to the sequence.

Papers: Cho et al. 2014, arXiv:1406.1078; Srivastava et al. 2015, arXiv:1502.04681; melodies: Roberts
et al. 2018, arXiv:1803.05428

Two CPU cores; nats of the test split, and accuracy of a linear probe on the codes (raw pixels:
96.3 %):

  genlab --config=recurrent_autoencoder
    rows of scikit-learn's digits, 16 px, a code of 16: 76.9 nats, half the squared error 0.54, probe
    96.0 % (an untrained encoder: 78.3 %); 1 min 7 s of CPU time.
  genlab --config=recurrent_autoencoder:gru
    the same by GRUs: 76.5 nats, half the squared error 0.47, probe 95.0 % (untrained: 73.7 %); 1 min 2 s
    of CPU time.
  genlab --config=recurrent_autoencoder:mnist --config.data.data_dir=DIR
    MNIST, a code of 32: 57.0 nats, half the squared error 1.56, probe of 10,000 labels 96.1 % (raw pixels:
    91.4 %, 32 principal components: 89.7 %, untrained: 64.0 %), 20 nearest neighbours 96.5 % (raw pixels: 94.7
    %); 7 min of CPU time.
  genlab --config=recurrent_autoencoder:folksongs
    two bars of folk songs (pip install -e '.[music]'), 32 steps to a code of 64: 2.5 nats; all but a few
    notes of the songs drawn come back; 6 min of CPU time.
"""

from genlab.shipped.configs import autoencoder
from ml_collections import ConfigDict

from genlab.trials.space import grid

VARIANTS = ("tiny", "gru", "mnist", "folksongs")


def get_config(variant: str = "") -> ConfigDict:
    """LSTMs that read and write digits row by row."""
    config = autoencoder.digits()
    config.model = dict(
        encoder=dict(name="recurrent_encoder", latent_dim=16, hidden=128, cell="lstm"),
        decoder=dict(name="recurrent_decoder", hidden=128, cell="lstm"),
    )
    config.optimizer = dict(autoencoder=dict(name="adam", learning_rate=2e-3, clip=1.0))

    match variant:
        case "tiny":
            config.model.encoder.update(latent_dim=3, hidden=6)
            config.model.decoder.hidden = 6
            autoencoder.tiny(config)
        case "gru":
            config.model.encoder.cell = config.model.decoder.cell = "gru"
        case "mnist":
            config.model.encoder.latent_dim = 32
            autoencoder.mnist(config)
        case "folksongs":
            del config.data.image_size
            config.data.name = "folksongs"
            config.objective = dict(name="categorical")
            config.model.encoder.update(latent_dim=64, hidden=128, bidirectional=True)
            config.model.decoder.hidden = 256
            config.train.steps = 4000
            config.eval.final_metrics = ()
            config.sample.plots = ("melodies",)
    return config


def sweep_code():
    """Reconstruction against the width of the code."""
    return grid(model__encoder__latent_dim=(2, 4, 8, 16, 32))
