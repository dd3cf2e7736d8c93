"""StyleGAN2 with few channels: modulated convolutions, R1 now and then, the path's length.

Papers: Karras et al. 2020, arXiv:1912.04958; StyleGAN2-ADA's numbers for CIFAR-10: Karras et al. 2020,
arXiv:2006.06676

  genlab --config=stylegan2_small
    scikit-learn's digits, 16 px, width 32, 1,500 rounds, 2 min 50 s of CPU time: every class holds 6.3 % or more of
    1,000 samples, by an SVM of 98.7 % accuracy on 300 test digits; `frechet_digits_classifier` 28.6 (25.3 to 32.0) of
    1,000 samples, `_floor` 3.7 of 300 test digits; precision .42 and recall .66, of the test digits .92 and .94 (one
    seed). After 800 rounds 154.
  genlab --config=stylegan2_small:path
    with the penalty of the path's length: 31.2 (28.2 to 34.3), precision .46 and recall .53; 3 min 25 s (one seed).
  genlab --config=stylegan2_small:cifar10 --config.data.data_dir=DIR
    ADA's numbers for CIFAR-10; for a GPU; not run.
"""

from genlab.shipped.configs import base
from genlab.shipped.configs.common.digits import in_features_of_digits
from ml_collections import ConfigDict

VARIANTS = ("tiny", "path", "cifar10")


def get_config(variant: str = "") -> ConfigDict:
    """Default: scikit-learn's digits at 16 px; `path` adds the penalty of the path's length."""
    config = base.get_config()
    config.experiment = dict(
        name="gan", latent_dim=64, penalty=dict(name="r1", weight=0.1, every=4)
    )
    config.objective = dict(name="non_saturating")
    config.model = dict(
        generator=dict(
            name="stylegan2_generator", width=32, mapping_layers=2, style_dim=64
        ),
        discriminator=dict(name="stylegan2_discriminator", width=32),
    )
    adam = dict(name="adam", learning_rate=2.5e-3, b1=0.0, b2=0.99)
    config.optimizer = dict(generator=dict(adam, ema=0.99), discriminator=adam)
    config.data.update(name="digits", image_size=16, value_range=(-1.0, 1.0))
    config.train = dict(steps=1500, batch_size=32, steps_per_call=20)
    config.eval.metrics = ("class_coverage",)
    config.eval.final_metrics = in_features_of_digits()
    config.sample = dict(every=500, plots=("samples",))
    config.checkpoint.every = 500

    match variant:
        case "tiny":
            config.model.generator.update(width=4, style_dim=4)
            config.model.discriminator.update(width=4, group=2)
            config.experiment.latent_dim = 4
            config.data.image_size = 8
            changes = (
                "flip",
                "translation",
                "contrast",
            )  # all take long to compile
            config.experiment.augment = dict(name="ada", policy=changes)
            for player in config.optimizer.values():
                player.learning_rate = 1e-4
            base.tiny(config)
        case "path":
            length = dict(name="path_length", weight=2.0, every=4, space="style")
            config.experiment.generator_penalty = length
        case "cifar10":
            config.experiment.update(latent_dim=512, augment=dict(name="ada"))
            config.experiment.penalty.update(weight=0.01, every=16)
            config.model.generator.update(width=512, style_dim=512)
            config.model.discriminator.update(width=512, architecture="plain", group=32)
            config.data.update(name="tfds:cifar10", data_dir="", image_size=32)
            config.train = dict(steps=1_562_500, batch_size=64, steps_per_call=20)
            config.optimizer.generator.ema = 0.9999
            config.eval.metrics = config.eval.final_metrics = ()
            config.sample.every = config.checkpoint.every = 10_000
    return config
