"""SNGAN: residual networks, the discriminator's weights divided by their largest singular values.

Paper: Miyato, Kataoka, Koyama & Yoshida 2018, arXiv:1802.05957; hinge: Lim & Ye 2017,
arXiv:1705.02894

  genlab --config=sngan
    scikit-learn's digits, 16 px, width 32: 1,500 rounds in 5 min 36 s of CPU time; every class holds
    5.4 % or more of 1,000 samples, by an SVM of 98.7 % accuracy on 300 test digits;
    `frechet_digits_classifier` 21.8 of 1,000 samples, `_at_floor` 21.3 of 300, `_floor` 3.7 of 300 test
    digits; precision .45 and recall .85, of the test digits .92 and .94 (300 each, one seed).
  genlab --config=sngan:mnist --config.data.data_dir=DIR
    MNIST at 32 px, width 64. At width 16, after 2,000 of its 20,000 rounds (11 min of CPU), a Frechet distance of 174, 240
    and 254 in the features of a run of `classifier:mnist` (three seeds), not settled.
  genlab --config=sngan:folder --config.data.name=folder:DIR
    images of one's own in colour, 64 px, with DiffAugment; emoji in RESULTS.
  genlab --config=sngan:cifar10 --config.data.data_dir=DIR
    the paper's sizes and numbers; for a GPU; not run.
"""

from genlab.shipped.configs import base
from genlab.shipped.configs.common.digits import in_features_of_digits
from genlab.shipped.configs.common.folder import images_of_a_folder
from ml_collections import ConfigDict

from genlab.trials.space import Uniform

VARIANTS = ("tiny", "mnist", "folder", "cifar10")


def get_config(variant: str = "") -> ConfigDict:
    """Default: scikit-learn's digits at 16 px; `cifar10` has the paper's sizes and numbers."""
    config = base.get_config()
    config.experiment = dict(name="gan", latent_dim=64)
    config.objective = dict(name="hinge")
    config.model = networks(32, 3)
    adam = dict(name="adam", learning_rate=5e-4, b1=0.0, b2=0.9)
    config.optimizer = dict(generator=dict(adam, ema=0.99), discriminator=adam)
    config.data.update(name="digits", image_size=16, value_range=(-1.0, 1.0))
    config.train = dict(steps=1500, batch_size=32, steps_per_call=20)
    config.eval.metrics = ("class_coverage",)
    config.eval.final_metrics = in_features_of_digits()
    config.sample = dict(every=200, plots=("samples",))
    config.checkpoint.every = 500

    match variant:
        case "tiny":
            config.model = networks(8, 2)
            config.experiment.latent_dim = 8
            config.data.image_size = 8
            base.tiny(config)
        case "mnist":
            config.model = networks(64, 4)
            config.experiment.latent_dim = 128
            config.data.update(name="tfds:mnist", data_dir="", image_size=32)
            config.train = dict(steps=20_000, batch_size=64, steps_per_call=20)
            config.optimizer.generator.ema = 0.999
            config.eval.metrics = (dict(name="class_coverage", num_train=5000),)
            config.eval.final_metrics = in_features_of_digits(10_000)
            config.sample.every = config.checkpoint.every = 5000
        case "folder":
            config.model = networks(64, 5)
            config.experiment.latent_dim = 128
            config.train.steps = 10_000
            images_of_a_folder(config)
        case "cifar10":
            config.model = networks(128, 4)
            config.model.generator.widths = (256,) * 4
            config.experiment.update(latent_dim=128, n_critic=5)
            config.data.update(name="tfds:cifar10", data_dir="", image_size=32)
            config.train = dict(steps=100_000, batch_size=64, steps_per_call=20)
            for player in ("generator", "discriminator"):
                decay = dict(name="linear", begin=0, steps=100_000, end=0.0)
                config.optimizer[player].update(learning_rate=2e-4, schedule=decay)
            config.optimizer.discriminator.schedule.steps = 500_000
            config.eval.metrics = config.eval.final_metrics = ()
            config.sample.every = config.checkpoint.every = 5000
    return config


def networks(width: int, maps: int) -> ConfigDict:
    """Residual networks of one width, the generator's with so many sizes of maps."""
    inside = dict(
        name="sngan_discriminator",
        widths=(width,) * maps,
        halvings=min(maps - 1, 2),
    )
    return ConfigDict(
        dict(
            generator=dict(name="sngan_generator", widths=(width,) * maps),
            discriminator=dict(name="spectral", network=inside),
        )
    )


def sweep_space():
    """Learning rates of both players, for a search or random draws."""
    return {
        "optimizer.generator.learning_rate": Uniform(3e-5, 3e-3, log=True),
        "optimizer.discriminator.learning_rate": Uniform(3e-5, 3e-3, log=True),
    }
