"""FactorVAE: a discriminator tells codes from permuted ones, and the encoder pays their total correlation.

Paper: Kim & Mnih 2018, arXiv:1802.05983

  genlab --config=factor_vae
    `shapes` at 16 px, 6 latents; test split, one seed: 18.4 nats of -ELBO (reconstruction 12.7, of which 6.9
    are the entropy of gray pixels, KL 5.7), 3 active units; the discriminator's estimate of the total
    correlation is 0.001 nats in training, its accuracy .51. 83 s of CPU time.
  genlab sweep --config=factor_vae:sprites --seeds=10
    the sprites and perceptrons of `beta_vae`, gamma 10: -ELBO 46.3 nats (45.6 to 47.1), MIG .090 (.066 to .115),
    FactorVAE score .615 (.537 to .693), DCI .084; 4 min 52 s of CPU time for ten seeds.
  genlab --config=factor_vae:paper
    Not measured yet.
"""

from genlab.shipped.configs import base, beta_vae
from ml_collections import ConfigDict

from genlab.trials.space import grid, product, seeds

VARIANTS = ("tiny", "sprites", "paper")


def get_config(variant: str = "") -> ConfigDict:
    """`shapes` at 16 px with small networks; `sprites` is `beta_vae` at 32 px with this game, `paper` has the appendix's."""
    config = base.get_config()
    config.experiment = dict(
        name="adversarial_autoencoder",
        likelihood="bernoulli",
        latent_dim=6,
        reference="permuted",
        adversary="log_ratio",
        adversarial_weight=10.0,
    )
    config.objective = dict(name="elbo")
    config.model = dict(
        encoder=dict(name="conv_encoder", channels=(16, 32), hidden=128),
        decoder=dict(name="conv_decoder", channels=(32, 16), hidden=128),
        discriminator=dict(name="mlp_discriminator", hidden=(128,) * 3),
    )
    adam = dict(name="adam", learning_rate=1e-3)
    config.optimizer = dict(
        autoencoder=adam, discriminator=dict(adam, learning_rate=1e-3, b1=0.5, b2=0.9)
    )
    config.data.update(name="shapes", image_size=16)
    config.train = dict(steps=5000, batch_size=64, steps_per_call=20)
    config.log.every = 500
    config.eval.update(every=2500, metrics=("posterior",))
    config.sample = dict(every=2500, plots=("reconstructions", "latent_traversals"))
    config.checkpoint.every = 5000

    match variant:
        case "tiny":
            config.experiment.latent_dim = 3
            for role in ("encoder", "decoder"):
                config.model[role].update(channels=(4,), hidden=8)
            config.model.discriminator.hidden = (8,)
            config.data.image_size = 8
            base.tiny(config)
        case "sprites":
            siblings = beta_vae.get_config()
            config.experiment.latent_dim = siblings.experiment.latent_dim
            config.model = dict(
                siblings.model, discriminator=config.model.discriminator
            )
            for section in ("data", "train", "eval", "sample", "checkpoint"):
                config[section] = siblings[section]
        case "paper":
            config.experiment.latent_dim = 10
            config.experiment.adversarial_weight = 35.0
            config.model.encoder.update(channels=(32, 32, 64, 64), hidden=128)
            config.model.decoder.update(channels=(64, 64, 32, 32), hidden=128)
            config.model.discriminator.hidden = (1000,) * 6
            config.optimizer.autoencoder.learning_rate = 1e-4
            config.optimizer.discriminator.learning_rate = 1e-4
            config.data.image_size = 64
            config.train.steps = 300_000
    return config


def sweep_gamma():
    """The weight of the total correlation, three seeds each."""
    weights = grid(experiment__adversarial_weight=(1.0, 10.0, 20.0, 30.0, 40.0))
    return product(weights, seeds(3))
