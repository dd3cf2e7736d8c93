"""Contractive autoencoders: codes that move little when the example does.

Paper: Rifai et al. 2011, ICML; CAE+H: Rifai et al. 2011, ECML PKDD; stochastic: Alain & Bengio 2014,
arXiv:1211.4246

Two CPU cores:

  python launch.py --config=configs/contractive_autoencoder.py
    scikit-learn's digits, 16 px, 120 units: 76.0 nats on the test split, linear probe 96.7 % (raw pixels
    96.7 %, an untrained encoder 95.7 %), mean norm of the Jacobian 4.6, effective dimension 18.7.
  python launch.py --config=configs/contractive_autoencoder.py:mnist --config.data.data_dir=DIR
    MNIST, 1000 units: Not measured yet.
"""

from ml_collections import ConfigDict

from configs import base
from genlab.sweep.space import grid

VARIANTS = ("tiny", "stochastic", "hessian", "deep", "mnist")


def get_config(variant: str = "") -> ConfigDict:
    """One sigmoid layer, tied weights, the analytic penalty."""
    config = base.get_config()
    config.experiment = dict(
        name="autoencoder", regularizer=dict(name="contractive", weight=0.1)
    )
    config.objective = dict(name="bernoulli")
    config.model = dict(
        encoder=dict(name="dense_encoder", widths=(120,)),
        decoder=dict(name="tied_decoder"),
    )
    config.optimizer = dict(autoencoder=dict(name="adam", learning_rate=1e-3))
    config.data.update(name="digits", image_size=16)
    config.train = dict(steps=10_000, batch_size=100, steps_per_call=100)
    config.log.every = 500
    config.eval.update(every=1000, best="reconstruction")
    config.eval.final_metrics = ("local_geometry", "linear_probe")
    config.sample = dict(
        every=5000,
        plots=("reconstructions", "receptive_filters", "tangents", "jacobian_spectrum"),
    )
    config.checkpoint.every = 5000

    match variant:
        case "tiny":
            config.model.encoder.widths = (12,)
            config.data.image_size = 8
            config.train = dict(steps=8, batch_size=8, steps_per_call=2)
            config.log.every = config.eval.every = config.sample.every = 4
            config.checkpoint.every = 4
            config.eval.final_metrics = ()
        case "stochastic":
            config.experiment.regularizer = dict(
                name="stochastic_contractive", weight=10.0, std=0.1
            )
        case "hessian":
            config.experiment.regularizer = dict(
                name="contractive_hessian", weight=0.1, hessian_weight=0.1
            )
        case "deep":
            config.model.encoder.widths = (120, 60)
            config.experiment.regularizer = dict(
                name="contractive", weight=0.1, estimator="hutchinson"
            )
        case "mnist":
            config.model.encoder.widths = (1000,)
            config.data.name = "tfds:mnist"
            config.data.data_dir = ""
            config.data.image_size = 28
            config.train.steps = 20_000
    return config


def sweep_weight():
    """Weight of the contraction, from none."""
    return grid(experiment__regularizer__weight=(0.0, 0.01, 0.03, 0.1, 0.3, 1.0))
