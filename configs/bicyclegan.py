"""BicycleGAN: several outputs for one input, told apart by a latent.

Paper: Zhu et al. 2017, arXiv:1711.11586

  genlab --config=bicyclegan
    edges of sprites to one of six hues that they do not tell, 32 px, width 16, two CPU cores: outputs
    for one input differ by L1 0.0075, 15 % of what targets differ by; of pix2pix with L1
    (RESULTS has the flags) by 0.0005, 1 %. L1 to the truth 0.032 in [-1, 1] with the latent of
    the target, 0.047 with a drawn one; 2 min 50 s of CPU time.
"""

from genlab.shipped.configs import base
from genlab.shipped.configs.common import translation
from ml_collections import ConfigDict

VARIANTS = ("tiny", "folder")

PLAYERS = ("translator", "discriminator")


def get_config(variant: str = "") -> ConfigDict:
    """Default: the hue of a sprite is the latent's; `folder` for 64 px of one's own pairs."""
    config = base.get_config()
    # Weights and objective belong together: the published least squares have no half, which 2.0
    # makes up for; `non_saturating` takes 1.0 for both.
    config.experiment = dict(
        name="bicycle_gan",
        latent_dim=8,
        reconstruction=dict(name="l1", weight=10.0),
        kl_weight=0.01,
        latent_weight=0.5,
        adversarial_weight=2.0,
        discriminator_weight=2.0,
    )
    config.objective = dict(name="least_squares")
    config.model = dict(
        generator=dict(name="unet", width=16, depth=5, norm="instance", dropout=None),
        encoder=dict(name="conv_encoder", channels=(16, 32, 64), hidden=128),
        discriminator=dict(
            name="patch_discriminator", width=16, layers=2, norm="instance"
        ),
    )
    config.data.update(name="shapes", image_size=32, colors=6, places=4)
    config.data.value_range = (-1.0, 1.0)
    config.data.degrade = dict(name="edges")
    config.train = dict(batch_size=16, steps_per_call=20)
    translation.train_for(config, PLAYERS, 3000, 1e-3)
    config.eval.update(batch_size=64, metrics=("translation", "diversity"))
    config.sample = dict(every=500, plots=(dict(name="translations", draws=4),))
    config.checkpoint.every = 500

    match variant:
        case "tiny":
            config.experiment.latent_dim = 2
            config.model.generator.update(width=4, depth=2)
            config.model.encoder.update(channels=(4,), hidden=8)
            config.model.discriminator.update(width=4, layers=1)
            # The fewer units, the fewer of them come so near to 0 that rounding decides what a ReLU lets through.
            config.data.update(name="digits", image_size=8)
            del config.data.colors, config.data.places
            base.tiny(config)
            config.eval.every = 0  # translating takes long to compile
            config.eval.metrics = (dict(name="diversity", num=4, draws=3),)
        case "folder":
            translation.of_folder(config, "paired_folder")
            config.data.degrade = None
            config.model.generator.update(width=32, depth=6)
            config.model.discriminator.update(width=32, layers=3)
            config.train = dict(batch_size=4, steps_per_call=20)
            translation.train_for(config, PLAYERS, 20_000, 2e-4)
            config.sample.every = config.checkpoint.every = 1000
    return config
