"""Contractive autoencoders: codes that move little when the example does.

Paper: Rifai et al. 2011, ICML; CAE+H: Rifai et al. 2011, ECML PKDD; stochastic: Alain & Bengio 2014,
arXiv:1211.4246

Two CPU cores:

  genlab --config=contractive_autoencoder
    scikit-learn's digits, 16 px, 120 units: 76.0 nats on the test split, linear probe 96.7 % (raw pixels
    96.3 %, an untrained encoder 95.7 %), mean norm of the Jacobian 4.6, effective dimension 18.7; 19 s of
    CPU time.
  genlab --config=contractive_autoencoder:stochastic
    76.0 nats, probe 97.0 %, norm of the Jacobian 4.6; 18 s of CPU time.
  genlab --config=contractive_autoencoder:hessian
    CAE+H: 76.0 nats, probe 97.3 %, norm of the Jacobian 4.5; 29 s of CPU time.
  genlab --config=contractive_autoencoder:deep
    two layers, Hutchinson's estimate: 76.4 nats, probe 97.3 %, norm of the Jacobian 2.1; 21 s of CPU
    time.
  genlab --config=contractive_autoencoder:mnist --config.data.data_dir=DIR
    MNIST, 1000 units: 52.7 nats, probe of 10,000 labels 96.5 % (raw pixels: 91.4 %, an untrained
    encoder 91.3 %), 20 nearest neighbours 94.5 % (raw pixels: 94.7 %), norm of the Jacobian 7.5,
    effective dimension 42; the tangents shown are local blobs, not
    the strokes of local PCA beside them; 4 min of CPU time.
"""

from genlab.shipped.configs import autoencoder
from ml_collections import ConfigDict

from genlab.trials.space import grid

VARIANTS = ("tiny", "stochastic", "hessian", "deep", "mnist")


def get_config(variant: str = "") -> ConfigDict:
    """One sigmoid layer, tied weights, the analytic penalty."""
    config = autoencoder.one_layer(120)
    config.experiment.regularizer = dict(name="contractive", weight=0.1)
    config.eval.every = 1000
    config.eval.final_metrics += ("local_geometry",)
    config.sample.plots += ("tangents", "jacobian_spectrum", "contraction_curve")

    match variant:
        case "tiny":
            config.model.encoder.widths = (12,)
            autoencoder.tiny(config)
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
            autoencoder.mnist(config)
    return config


def sweep_weight():
    """Weight of the contraction, from none."""
    return grid(experiment__regularizer__weight=(0.0, 0.01, 0.03, 0.1, 0.3, 1.0))
