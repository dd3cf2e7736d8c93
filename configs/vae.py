"""Variational autoencoder: a bound on log p(x) by an amortised Gaussian posterior.

Paper: Kingma & Welling 2014, arXiv:1312.6114

  python launch.py --config=configs/vae.py              digits, 8 px, 10 latents
  python launch.py --config=configs/vae.py:manifold     digits, 2 latents, the manifold's picture
  python launch.py --config=configs/vae.py:mnist --config.data.data_dir=DIR
"""

from ml_collections import ConfigDict

from configs import base

VARIANTS = ("tiny", "manifold", "mnist")


def get_config(variant: str = "") -> ConfigDict:
    """Perceptrons with one hidden layer, Bernoulli likelihood of dynamically binarised pixels."""
    config = base.get_config()
    config.experiment = dict(name="vae", likelihood="bernoulli", latent_dim=10)
    config.objective = dict(name="elbo", beta=1.0)
    config.model = dict(
        encoder=dict(name="mlp_encoder", hidden=(256,), activation="tanh"),
        decoder=dict(name="mlp_decoder", hidden=(256,), activation="tanh"),
    )
    config.optimizer = dict(vae=dict(name="adam", learning_rate=1e-3))
    config.data.update(name="digits", binarize="dynamic")
    config.train = dict(steps=10_000, batch_size=100, steps_per_call=100)
    config.log.every = 500
    config.eval.update(every=1000, best="negative_elbo")
    config.sample = dict(every=1000, plots=("samples", "reconstructions"))
    config.checkpoint.every = 5000

    match variant:
        case "tiny":
            config.experiment.latent_dim = 3
            config.model.encoder.hidden = config.model.decoder.hidden = (16,)
            config.train = dict(steps=8, batch_size=8, steps_per_call=2)
            config.log.every = config.eval.every = config.sample.every = 4
            config.checkpoint.every = 4
        case "manifold":
            config.experiment.latent_dim = 2
            config.data.image_size = 16
            config.sample.plots = ("manifold", "latent_embedding", "reconstructions")
        case "mnist":
            # Section 5 of the paper: 500 hidden units, batches of 100.
            config.experiment.latent_dim = 20
            config.model.encoder.hidden = config.model.decoder.hidden = (500,)
            config.data.name = "tfds:mnist"
            config.data.data_dir = ""
            config.train = dict(steps=60_000, batch_size=100, steps_per_call=100)
            config.eval.every = config.sample.every = 3000
    return config
