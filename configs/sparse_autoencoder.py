"""Sparse autoencoders: of many units few are active for any one example.

The sparsity that comes out is logged: `mean_activation`, and `active_share` of units beyond 0.01.

Papers: KL: Ng 2011, CS294A lecture notes; Lee, Ekanadham & Ng 2008, NIPS 20; L1: Olshausen & Field
1996, Nature 381:607-609; Ranzato et al. 2008, NIPS 20

Two CPU cores; nats of the test split, and accuracy of a linear probe on the codes (raw pixels:
96.3 %):

  genlab --config=sparse_autoencoder
    scikit-learn's digits, 16 px, 200 units: mean activation 0.062, 76.8 nats, probe 98.0 % (an untrained
    encoder: 95.0 %); the filters are strokes; 17 s of CPU time.
  genlab --config=sparse_autoencoder:running
    towards the running mean of the activations: 76.7 nats, probe 97.3 %; 20 s of CPU time.
  genlab --config=sparse_autoencoder:l1
    L1, a decoder of unit norm: half the squared error 0.89, 5.5 % of the units active for an example,
    probe 97.3 % (untrained: 97.7 %); of the 64 filters shown about a third have structure, the others are
    the noise of their start; 1 min.
  genlab --config=sparse_autoencoder:mnist --config.data.data_dir=DIR
    MNIST, 500 units: 61.5 nats, probe of 10,000 labels 96.0 % (raw pixels: 91.4 %, an untrained encoder
    91.2 %), 20 nearest neighbours 94.6 % (raw pixels: 94.7 %); 89 s of CPU time.
"""

from genlab.shipped.configs import autoencoder
from ml_collections import ConfigDict

from genlab.trials.space import grid

VARIANTS = ("tiny", "running", "l1", "mnist")


def get_config(variant: str = "") -> ConfigDict:
    """Sigmoid units whose mean activation over the batch is drawn to 0.05."""
    config = autoencoder.one_layer(200)
    regularizer = dict(name="kl_sparsity", weight=1.0, target=0.05)
    config.experiment.regularizer = regularizer

    match variant:
        case "tiny":
            config.model.encoder.widths = (12,)
            config.experiment.mean_decay = 0.9
            autoencoder.tiny(config)
        case "running":
            config.experiment.mean_decay = 0.9
        case "l1":
            config.experiment.regularizer = dict(name="l1_sparsity", weight=0.2)
            config.objective = dict(name="squared_error")
            config.model.encoder.activation = "relu"
            config.model.decoder = dict(name="dense_decoder", unit_norm=True)
        case "mnist":
            config.model.encoder.widths = (500,)
            autoencoder.mnist(config)
    return config


def sweep_weight():
    """Reconstruction against sparsity."""
    return grid(experiment__regularizer__weight=(0.0, 0.1, 0.3, 1.0, 3.0))
