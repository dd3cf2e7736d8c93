"""VQ-VAE: codes are entries of a codebook that follows the encoder by moving averages.

Paper: van den Oord, Vinyals & Kavukcuoglu 2017, arXiv:1711.00937

  genlab --config=vq_vae
    scikit-learn's digits, 16 px, as 16 of 64 codes; test split, one seed: reconstruction 75.1 nats, of which
    73.1 are the entropy of gray pixels, and 66.5 for the codes under a uniform prior. Perplexity 56.2
    of 64, no dead code; the nearest neighbour by codes has the class of 97.0 % (raw pixels: 98.3 %, codes
    of an untrained encoder: 76.0 %). 3,000 rounds at 57 a second on two shared cores.
  genlab --config=vq_vae:mnist --config.data.data_dir=DIR
    Not measured yet.
  genlab --config=vq_vae:paper --config.data.data_dir=DIR
    CIFAR-10 with the sizes of the paper; for a GPU. Not measured yet.
"""

from genlab.shipped.configs import base
from ml_collections import ConfigDict

from genlab.trials.space import grid

VARIANTS = ("tiny", "mnist", "paper")


def get_config(variant: str = "") -> ConfigDict:
    """4 x 4 codes of 64 on scikit-learn's digits at 16 px; `paper` has the sizes of its CIFAR-10."""
    config = base.get_config()
    config.experiment = dict(
        name="vq_vae",
        likelihood="bernoulli",
        latent_dim=16,
        codes=64,
        revive_below=0.1,
    )
    config.objective = dict(name="vector_quantization", beta=0.25)
    config.model = dict(
        encoder=dict(name="code_map_encoder", width=32),
        decoder=dict(name="code_map_decoder", width=32),
    )
    config.optimizer = dict(vq_vae=dict(name="adam", learning_rate=1e-3))
    config.data.update(name="digits", image_size=16)
    config.train = dict(steps=3000, batch_size=64, steps_per_call=20)
    config.log.every = 200
    config.eval.update(every=1000, best="reconstruction")
    config.eval.final_metrics = ("nearest_neighbour_probe",)
    config.sample = dict(every=1000, plots=("reconstructions", "interpolations"))
    config.checkpoint.every = 1000

    match variant:
        case "tiny":
            config.experiment.update(latent_dim=3, codes=5)
            for network in config.model.values():
                network.update(width=4, blocks=1)
            config.data.image_size = 8
            base.tiny(config)
        case "mnist":
            config.experiment.codes = 128
            config.data.update(name="tfds:mnist", data_dir="", image_size=28)
            config.eval.final_metrics = ()
        case "paper":
            config.experiment.update(
                likelihood="squared_error", latent_dim=64, codes=512, revive_below=None
            )
            for network in config.model.values():
                network.width = 256
            config.optimizer.vq_vae.learning_rate = 2e-4
            config.data.update(name="tfds:cifar10", data_dir="", image_size=32)
            config.eval.final_metrics = ()
            config.train = dict(steps=250_000, batch_size=128, steps_per_call=20)
    return config


def sweep_codes():
    """Reconstruction against the size of the codebook."""
    return grid(experiment__codes=(8, 16, 32, 64, 128, 256))
