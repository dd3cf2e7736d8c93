"""CycleGAN: two residual generators that undo each other, from images that nobody has paired.

Paper: Zhu, Park, Isola & Efros 2017, arXiv:1703.10593

  genlab --config=cyclegan
    outlines of sprites to filled sprites without pairs, 32 px, width 8: 100 % of 1,000 outputs are the
    right shape, filled, by the exact factors (of the inputs as they are 0 %); L1 to the truth 0.007
    (of the inputs 0.019), of the cycle 0.007, in [0, 1]; 3 min of CPU time.
  genlab --config=cyclegan:folder --config.data.name=unpaired_folder:DIR
    trainA, trainB, testA and testB of one's own, 64 px, width 16. Twemoji to Noto, 1,271 drawings of
    each: Frechet distance 235 (of the inputs 269) in the features of a classifier of their
    categories, L1 of the cycle 0.048; 30 min of CPU time. Numbers beside pix2pix's, and without the pattern of
    transposed convolutions: RESULTS.md.
  genlab --config=cyclegan:horse2zebra --config.data.data_dir=DIR
    the paper's sizes and numbers; for a GPU; not run.
"""

from genlab.shipped.configs import base
from genlab.shipped.configs.common import translation
from ml_collections import ConfigDict

VARIANTS = ("tiny", "folder", "horse2zebra")

PLAYERS = ("generators", "discriminators")


def get_config(variant: str = "") -> ConfigDict:
    """Default: `shape_pairs` unpaired; `folder` for 64 px of one's own; `horse2zebra` as published."""
    config = base.get_config()
    # Weights and objective belong together: the published least squares have no half, which these
    # weights make up for; `non_saturating` takes adversarial_weight=1 and discriminator_weight=0.5.
    config.experiment = dict(
        name="cycle_gan",
        cycle=dict(name="l1", weight=10.0),
        identity=None,
        adversarial_weight=2.0,
        discriminator_weight=1.0,
        pool_size=50,
    )
    config.objective = dict(name="least_squares")
    _networks(config, width=8, blocks=3, layers=2)
    config.data.update(
        name="shape_pairs", change="fill", paired=False, value_range=(-1.0, 1.0)
    )
    config.train = dict(batch_size=8, steps_per_call=20)
    translation.train_for(config, PLAYERS, 1500, 5e-4)
    config.eval.update(metrics=("cycle", "translation", "factor_agreement"))
    config.eval.batch_size = 64
    config.sample = dict(every=500, plots=("translations",))
    config.checkpoint.every = 500

    match variant:
        case "tiny":
            _networks(config, width=4, blocks=1, layers=1)
            config.data.image_size = 12
            # Tests compare trajectories, and instance norm of images that are nearly constant, as
            # sprites are, enlarges rounding threefold a round.
            for role in ("generator_x", "generator_y"):
                config.model[role].norm = "none"
                config.model[role].outer_kernel = 3  # 49 slices take long to compile
            # L1 has a kink where an image returns as it was.
            config.experiment.cycle.name = "l2"
            config.experiment.pool_size = 4
            base.tiny(config)
            translation.train_for(config, PLAYERS, config.train.steps, 5e-4)
            config.eval.every = 0  # translating takes long to compile
            config.eval.metrics = (dict(name="cycle", num=8),)
        case "folder":
            translation.of_folder(config, "unpaired_folder", metrics=("cycle",))
            _networks(config, width=16, blocks=6, layers=3)
            # Without it a domain's colours may come back as any others that the way back undoes.
            config.experiment.identity = dict(name="l1", weight=5.0)
            config.data.augment = translation.jitter(8)
            config.train = dict(batch_size=1, steps_per_call=20)
            translation.train_for(config, PLAYERS, 20_000, 2e-4)
            config.sample.every = config.checkpoint.every = 2000
        case "horse2zebra":
            horses = "tfds:cycle_gan/horse2zebra"
            translation.of_folder(
                config,
                horses,
                ("cycle",),
                data_dir="",
                image_size=256,
                validation_fraction=0.0,  # training sees every image, as in the paper
            )
            config.eval.split = "test"
            config.data.augment = translation.jitter(30)
            _networks(config, width=64, blocks=9, layers=3)
            # 200 epochs of 1,334 zebras, as many images as the larger domain has.
            config.train = dict(batch_size=1, steps_per_call=20)
            translation.train_for(config, PLAYERS, 266_800, 2e-4)
            config.eval.batch_size = 1
            config.log.every = 400
            config.sample.every = config.checkpoint.every = 4000
    return config


def _networks(config: ConfigDict, *, width: int, blocks: int, layers: int) -> None:
    generator = dict(name="resnet_generator", width=width, blocks=blocks)
    discriminator = dict(
        name="patch_discriminator", width=width, layers=layers, norm="instance"
    )
    config.model = dict(
        generator_x=generator,
        generator_y=generator,
        discriminator_x=discriminator,
        discriminator_y=discriminator,
    )
