"""VAE-GAN: reconstructions are compared in the features of a discriminator.

Paper: Larsen, Sonderby, Larochelle & Winther 2016, arXiv:1512.09300

  genlab --config=vae_gan
    scikit-learn's digits, 16 px: KL 29.5 nats, half the squared error 3.38; of 1,000 samples
    `frechet_digits_classifier` 31.6 (28.7 to 34.5; `_floor` 3.7), precision .33 and recall .85, of the test
    digits .92 and .94; 88 s of CPU time (one seed).
"""

from genlab.shipped.configs import base
from genlab.shipped.configs.common.digits import in_features_of_digits
from ml_collections import ConfigDict

VARIANTS = ("tiny", "mnist")


def get_config(variant: str = "") -> ConfigDict:
    """DCGAN's networks and a convolutional encoder on scikit-learn's digits at 16 px."""
    config = base.get_config()
    config.experiment = dict(name="vae_gan", latent_dim=16, feature_weight=0.1)
    config.objective = dict(name="non_saturating")
    config.model = dict(
        encoder=dict(name="conv_encoder", channels=(32, 64), hidden=128),
        decoder=dict(name="dcgan_generator", width=32),
        discriminator=dict(name="dcgan_discriminator", width=32),
    )
    adam = dict(name="adam", learning_rate=2e-4, b1=0.5)
    config.optimizer = dict(
        encoder=dict(adam, learning_rate=1e-3), decoder=adam, discriminator=adam
    )
    config.data.update(name="digits", image_size=16, value_range=(-1.0, 1.0))
    config.train = dict(steps=2000, batch_size=64, steps_per_call=20)
    config.log.every = 200
    config.eval.update(every=1000, metrics=("posterior",))
    config.eval.final_metrics = in_features_of_digits()
    config.sample = dict(every=500, plots=("samples", "reconstructions"))
    config.checkpoint.every = 1000

    match variant:
        case "tiny":
            config.experiment.latent_dim = 3
            config.model.encoder.update(channels=(4,), hidden=8)
            config.model.decoder.width = config.model.discriminator.width = 4
            config.data.image_size = 8
            base.tiny(config)
        case "mnist":
            config.experiment.latent_dim = 32
            config.model.decoder.width = config.model.discriminator.width = 64
            config.data.update(name="tfds:mnist", data_dir="", image_size=32)
            config.eval.final_metrics = ()
            config.train.steps = 20_000
    return config
