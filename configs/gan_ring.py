"""A GAN on a ring of eight Gaussians: are all modes covered?

Paper: Goodfellow et al. 2014, arXiv:1406.2661; the ring: Metz et al. 2017, arXiv:1611.02163

  python launch.py --config=configs/gan_ring.py
"""

from ml_collections import ConfigDict

from configs import base

VARIANTS = ("tiny",)


def get_config(variant: str = "") -> ConfigDict:
    """Perceptrons on both sides, non-saturating."""
    config = base.get_config()
    config.experiment = dict(name="gan", latent_dim=16)
    config.objective = dict(name="non_saturating")
    config.model = dict(
        generator=dict(
            name="mlp_generator", hidden=(128, 128), output_activation="identity"
        ),
        discriminator=dict(name="mlp_discriminator", hidden=(128, 128)),
    )
    adam = dict(name="adam", learning_rate=1e-3, b1=0.5)
    config.optimizer = dict(generator=dict(adam, ema=0.999), discriminator=adam)
    config.data.update(name="toy2d", kind="ring")
    config.train = dict(steps=20_000, batch_size=256, steps_per_call=100)
    config.log.every = 500
    config.eval.update(every=2000, metrics=("mode_coverage",))
    config.sample = dict(every=2000, plots=("samples",))
    config.checkpoint.every = 10_000

    if variant == "tiny":
        config.model.generator.hidden = config.model.discriminator.hidden = (16,)
        config.train = dict(steps=8, batch_size=8, steps_per_call=2)
        config.log.every = config.sample.every = config.checkpoint.every = 4
        config.eval.every = 4
        config.eval.metrics = (dict(name="mode_coverage", num_samples=100),)
    return config
