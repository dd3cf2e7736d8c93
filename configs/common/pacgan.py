"""PacGAN's protocol on mixtures in the plane, scaled to two CPU cores, and a method for each row of its table."""

from ml_collections import ConfigDict


def protocol(config: ConfigDict, kind: str) -> None:
    """The plain GAN of the paper with networks a sixth as wide, ten times the learning rate and 5,000 rounds.

    The paper: widths 400 and 200, Adam at 1e-4, 400,000 rounds.

    Paper: Lin et al. 2018, arXiv:1712.04086, section 4.1 and its code
    """
    config.experiment = dict(name="gan", latent_dim=2)
    config.objective = dict(name="non_saturating")
    config.model = dict(
        generator=dict(
            name="mlp_generator",
            hidden=(64,) * 4,
            norm="batch",
            output_activation="identity",
        ),
        discriminator=dict(name="maxout_discriminator", hidden=(32,) * 3),
    )
    adam = dict(name="adam", learning_rate=1e-3, b1=0.8)
    config.optimizer = dict(generator=adam, discriminator=adam)
    radius, std = dict(ring=(1.0, 0.01), grid=(4.0, 0.05))[kind]
    config.data.update(name="toy2d", kind=kind, radius=radius, std=std, size=100_000)
    config.train = dict(steps=5000, batch_size=100, steps_per_call=100)
    config.log.every = 1000
    config.eval.metrics = (dict(name="mode_coverage", num_samples=2500),)
    config.checkpoint.every = 5000
