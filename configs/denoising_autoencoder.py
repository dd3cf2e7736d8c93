"""Denoising autoencoders: what was corrupted is restored from what is left.

Papers: Vincent et al. 2008, ICML; Vincent et al. 2010, JMLR 11:3371-3408; vector field: Alain &
Bengio 2014, arXiv:1211.4246

Two CPU cores; nats of clean test digits, and accuracy of a linear probe on the codes (raw pixels:
96.3 %):

  genlab --config=denoising_autoencoder
    scikit-learn's digits, 16 px, 120 units: 78.7 nats, probe 97.3 %; many of the filters are spots and
    strokes; 64 CPU seconds.
  genlab --config=denoising_autoencoder:gaussian
    Gaussian noise of standard deviation 0.3: 76.5 nats, probe 97.7 %; 16 s of CPU time.
  genlab --config=denoising_autoencoder:salt_and_pepper
    a quarter of the pixels black or white: 78.6 nats, probe 96.7 %; 15 s of CPU time.
  genlab --config=denoising_autoencoder:manifold
    a swiss roll: half the squared error of a clean test point 0.0045; the arrows of the vector field
    lead back to the curve; 18 s.
  genlab --config=denoising_autoencoder:mnist --config.data.data_dir=DIR
    MNIST, 1000 units: 62.7 nats, probe of 10,000 labels 95.2 % (raw pixels: 91.4 %, an untrained encoder: 91.3
    %), 20 nearest neighbours 94.7 % (raw pixels: 94.7 %); 77 s of CPU time.
"""

from genlab.shipped.configs import autoencoder
from ml_collections import ConfigDict

from genlab.trials.space import grid

VARIANTS = ("tiny", "gaussian", "salt_and_pepper", "manifold", "mnist")


def get_config(variant: str = "") -> ConfigDict:
    """One sigmoid layer, tied weights, a quarter of the pixels masked."""
    config = autoencoder.one_layer(120)
    config.experiment.corruption = dict(name="masking", fraction=0.25)

    match variant:
        case "tiny":
            config.model.encoder.widths = (12,)
            autoencoder.tiny(config)
        case "gaussian":
            config.experiment.corruption = dict(name="gaussian_noise", std=0.3)
        case "salt_and_pepper":
            config.experiment.corruption = dict(name="salt_and_pepper", fraction=0.25)
        case "manifold":
            on_a_curve(config)
        case "mnist":
            config.model.encoder.widths = (1000,)
            autoencoder.mnist(config, 10_000)
    return config


def on_a_curve(config: ConfigDict) -> None:
    """Points near a spiral; the arrows of the vector field lead back to it."""
    config.experiment.corruption = dict(name="gaussian_noise", std=0.3)
    config.objective = dict(name="squared_error")
    config.model = dict(
        encoder=dict(name="dense_encoder", widths=(128, 128), activation="tanh"),
        decoder=dict(name="dense_decoder", widths=(128,), activation="tanh"),
    )
    del config.data.image_size
    config.data.update(name="toy2d", kind="swiss_roll", std=0.05)
    config.eval.final_metrics = ()
    config.sample.plots = ("vector_field", "reconstructions")


def sweep_corruption():
    """From none to half of the pixels."""
    return grid(experiment__corruption__fraction=(0.0, 0.1, 0.25, 0.4, 0.5))
