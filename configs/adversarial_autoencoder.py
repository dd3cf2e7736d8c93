"""Adversarial autoencoder: a discriminator draws the aggregate posterior to the prior.

Papers: Makhzani et al. 2015, arXiv:1511.05644; `wae`: Tolstikhin et al. 2018, arXiv:1711.01558

scikit-learn's digits, 8 px, 10 latents, dynamically binarised, as `vae`; two CPU cores, one seed:

  genlab --config=adversarial_autoencoder
    reconstruction 10.4 nats on the test split; the encoder hardly keeps any noise (KL 85.9 of each example's
    own). Of samples `frechet_digits_classifier` 5.0 of 1,000, `_at_floor` 7.7 of 300, `_floor` 3.0 of 300
    test digits, where `vae` has 11.9 and 14.8; precision .36 and recall .99. 53 s of CPU time.
  genlab --config=adversarial_autoencoder:wae
    an encoder without noise: 12.6 nats, Frechet distance 5.9 (4.5 to 7.3), precision .36 and recall .96; 29 s of CPU
    time.
  genlab --config=adversarial_autoencoder:mnist --config.data.data_dir=DIR
    Not measured yet.
"""

from genlab.shipped.configs import base
from genlab.shipped.configs.common.digits import in_features_of_digits
from ml_collections import ConfigDict

VARIANTS = ("tiny", "wae", "manifold", "mnist")


def get_config(variant: str = "") -> ConfigDict:
    """The perceptrons of `vae.py` without the KL of each example; `wae` has an encoder without noise."""
    config = base.get_config()
    config.experiment = dict(
        name="adversarial_autoencoder", likelihood="bernoulli", latent_dim=10
    )
    config.objective = dict(name="elbo", beta=0.0)
    config.model = dict(
        encoder=dict(name="mlp_encoder", hidden=(256,), activation="tanh"),
        decoder=dict(name="mlp_decoder", hidden=(256,), activation="tanh"),
        discriminator=dict(name="mlp_discriminator", hidden=(256, 256)),
    )
    adam = dict(name="adam", learning_rate=1e-3)
    config.optimizer = dict(
        autoencoder=adam, discriminator=dict(adam, learning_rate=5e-4, b1=0.5)
    )
    config.data.update(name="digits", binarize="dynamic")
    config.train = dict(steps=10_000, batch_size=100, steps_per_call=100)
    config.log.every = 500
    config.eval.update(every=2500, metrics=("posterior",))
    config.eval.final_metrics = in_features_of_digits()
    config.sample = dict(every=2500, plots=("samples", "reconstructions"))
    config.checkpoint.every = 5000

    match variant:
        case "tiny":
            config.experiment.latent_dim = 3
            for network in config.model.values():
                network.hidden = (8,)
            base.tiny(config)
        case "wae":
            config.experiment.adversarial_weight = 10.0
            _without_noise(config)
        case "manifold":
            config.experiment.latent_dim = 2
            config.data.image_size = 16
            config.sample.plots = ("manifold", "latent_embedding", "reconstructions")
        case "mnist":
            config.experiment.latent_dim = 20
            config.model.encoder.hidden = config.model.decoder.hidden = (500,)
            config.data.update(name="tfds:mnist", data_dir="")
            config.eval.final_metrics = ()
    return config


def _without_noise(config: ConfigDict) -> None:
    """Codes in the place of posteriors."""
    widths = (*config.model.encoder.hidden, config.experiment.latent_dim)
    layers = dict(widths=widths, activation="tanh", code_activation="identity")
    config.model.encoder = dict(
        name="deterministic", network=dict(name="dense_encoder", **layers)
    )
