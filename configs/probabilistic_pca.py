"""Probabilistic PCA and factor analysis by expectation maximisation, with exact likelihoods.

Papers: Tipping & Bishop 1999, JRSS B 61:611-622; factor analysis: Ghahramani & Hinton 1996, CRG-TR-96-1

Two CPU cores; nats of -log p(x) on the test split, exact, of pixels in [0, 1] as they are stored, a
density, which may be above 1 (one seed each):

  genlab --config=probabilistic_pca
    scikit-learn's digits, 8 px, 10 latents, 200 rounds of EM, of which 50 would do: -17.90 (-19.1 to
    -16.7), half the squared error 0.61; 15 CPU seconds.
  genlab --config=probabilistic_pca:factors
    a variance of each pixel: -53.5 (-55.0 to -52.1), half the squared error 0.77; 13 CPU seconds.
"""

from genlab.shipped.configs import base
from ml_collections import ConfigDict

from genlab.trials.space import grid

VARIANTS = ("tiny", "factors")


def get_config(variant: str = "") -> ConfigDict:
    """All training digits in a batch, at rate 1: EM itself; `factors` with noise of each pixel its own."""
    config = base.get_config()
    config.experiment = dict(name="density")
    config.objective = dict(name="description_length")
    config.model = dict(density=dict(name="factor_analysis", latent_dim=10, floor=1e-4))
    config.optimizer = dict(density=dict(name="sgd", learning_rate=1.0))
    config.data.name = "digits"
    config.train = dict(steps=200, batch_size=1372, steps_per_call=50)
    config.log.every = 50
    config.eval.update(every=50, best="negative_log_likelihood")
    config.sample = dict(
        every=200, plots=("samples", "reconstructions", "receptive_filters")
    )
    config.checkpoint.every = 200

    match variant:
        case "tiny":
            config.model.density.update(latent_dim=3, floor=0.01)
            config.optimizer.density.learning_rate = 0.1
            base.tiny(config)
        case "factors":
            config.model.density.noise = "diagonal"
    return config


def sweep_width():
    """How many latents."""
    return grid(model__density__latent_dim=(2, 5, 10, 20, 40))
