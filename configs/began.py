"""BEGAN on scikit-learn's digits: a discriminator that is an autoencoder, and a balance that is kept.

Paper: Berthelot, Schumm & Metz 2017, arXiv:1703.10717

  genlab --config=began
    clear digits of few kinds, and at least one class has none: of 1,000 samples `frechet_digits_classifier` 246 (`_floor`
    3.0), precision .95 and recall .09, of the test digits .94 and .94; 60 s of CPU time (one seed).
"""

from genlab.shipped.configs import base
from genlab.shipped.configs.common.digits import in_features_of_digits
from ml_collections import ConfigDict

VARIANTS = ("tiny",)


def get_config(variant: str = "") -> ConfigDict:
    """Perceptrons; the generator has the decoder's shape."""
    config = base.get_config()
    config.experiment = dict(name="gan", latent_dim=16)
    config.objective = dict(name="began", balance=0.7, rate=1e-3)
    layers = dict(activation="elu", widths=(256, 256))
    config.model = dict(
        generator=dict(name="mlp_generator", hidden=(256, 256), activation="elu"),
        discriminator=dict(
            name="autoencoder_discriminator",
            encoder=dict(name="dense_encoder", activation="elu", widths=(256, 256, 16)),
            decoder=dict(name="dense_decoder", **layers),
        ),
    )
    adam = dict(name="adam", learning_rate=1e-4, b1=0.5)
    config.optimizer = dict(generator=dict(adam, ema=0.99), discriminator=adam)
    config.data.update(name="digits", value_range=(-1.0, 1.0))
    config.train = dict(steps=20_000, batch_size=64, steps_per_call=100)
    config.log.every = 500
    config.eval.metrics = ("class_coverage",)
    config.eval.final_metrics = in_features_of_digits()
    config.sample = dict(every=5000, plots=("samples",))
    config.checkpoint.every = 5000

    if variant == "tiny":
        config.model.generator.hidden = (16,)
        config.model.discriminator.encoder.widths = (16, 4)
        config.model.discriminator.decoder.widths = (16,)
        base.tiny(config)
    return config
