"""DCGAN: convolutional generator against convolutional discriminator, non-saturating.

Paper: Radford, Metz & Chintala 2016, arXiv:1511.06434; conditional: Mirza & Osindero 2014,
arXiv:1411.1784

  genlab --config=dcgan
    scikit-learn's digits, 32 px, width 32. Two CPU cores: 2,000 rounds in 2 min 30 s (14 rounds/s);
    every class holds 7.3 % or more of 1,000 samples, by an SVM of 98.7 % accuracy on 300 test digits;
    `frechet_digits_classifier` 7.0 of 1,000 samples (5.7 to 8.2), `_at_floor` 11.3 of 300, `_floor` 3.3 of 300 test
    digits; precision .48 and recall .89 (.85 to .93), of the test digits .94 and .94 (300 each, one seed).
  genlab --config=dcgan:conditional
    both networks see the class: of 100 samples of each class 99.7 % are of it by an SVM of 98.7 % accuracy,
    97 % or more of every class; 2,000 rounds (one seed).
  genlab --config=dcgan:mnist --config.data.data_dir=DIR
    MNIST at 32 px, width 64; after 10,000 of its 20,000 rounds a Frechet distance of 47.8 and 47.2 (two seeds; 10,000 test digits: 5.2) in
    the features of a run of `classifier:mnist` (RESULTS has the flags), precision .56 and .58, recall .75 and .76;
    at width 32, 8,000 rounds of 64, 92 to 102 (three seeds).
  genlab --config=dcgan:folder --config.data.name=folder:DIR
    images of one's own in colour, 64 px, width 32, with DiffAugment, which a few hundred of them need. On 1,386
    emoji in batches of 32, after 4,000 of its 10,000 rounds (13 min of CPU) a Frechet distance of 343 in a classifier's
    features (249 samples 415, 249 test images 129), recall .28 (one seed; RESULTS).
  genlab --config=dcgan:celeba --config.data.data_dir=DIR
    the paper's 64 px and widths 1024-512-256-128; for a GPU. Not measured yet.
  genlab --config=dcgan:tiny
    eight rounds with a metric and a picture, in seconds: whether an installation works.
"""

from genlab.shipped.configs import base
from genlab.shipped.configs.common.digits import in_features_of_digits
from genlab.shipped.configs.common.folder import images_of_a_folder
from ml_collections import ConfigDict

from genlab.trials.space import Uniform

VARIANTS = ("tiny", "conditional", "mnist", "folder", "celeba")


def get_config(variant: str = "") -> ConfigDict:
    """Default: scikit-learn's digits; `celeba` has the paper's sizes and numbers."""
    config = base.get_config()
    config.experiment = dict(name="gan", latent_dim=100)
    config.objective = dict(name="non_saturating")
    config.model = dict(
        generator=dict(name="dcgan_generator", width=32),
        discriminator=dict(name="dcgan_discriminator", width=32),
    )
    adam = dict(name="adam", learning_rate=2e-4, b1=0.5)
    config.optimizer = dict(generator=dict(adam, ema=0.99), discriminator=adam)
    config.data.update(name="digits", image_size=32, value_range=(-1.0, 1.0))
    config.train = dict(steps=2000, batch_size=64, steps_per_call=20)
    config.eval.metrics = ("class_coverage",)
    config.eval.final_metrics = in_features_of_digits()
    config.sample = dict(every=200, plots=("samples",))
    config.checkpoint.every = 500

    match variant:
        case "tiny":
            config.model.generator.width = config.model.discriminator.width = 8
            config.experiment.latent_dim = 8
            config.data.image_size = 8
            base.tiny(config)
            coverage = dict(name="class_coverage", num_samples=16, num_train=200)
            config.eval.update(every=0, metrics=(coverage,))
        case "conditional":
            config.model = {
                role: dict(name="conditional", network=network, width=16)
                for role, network in config.model.items()
            }
            config.eval.metrics = ("class_coverage", "class_agreement")
            config.sample.plots = ("samples", "class_samples")
        case "mnist":
            config.model.generator.width = config.model.discriminator.width = 64
            config.data.name = "tfds:mnist"
            config.data.data_dir = ""
            config.eval.metrics = (dict(name="class_coverage", num_train=5000),)
            config.eval.final_metrics = in_features_of_digits(10_000)
            config.train = dict(steps=20_000, batch_size=128, steps_per_call=20)
            config.optimizer.generator.ema = 0.999
            config.sample.every = config.checkpoint.every = 5000
        case "folder":
            config.train.steps = 10_000
            images_of_a_folder(config)
        case "celeba":
            config.model.generator.width = config.model.discriminator.width = 128
            config.data.name = "tfds:celeb_a"
            config.data.data_dir = ""
            config.data.image_size = 64
            config.train = dict(steps=100_000, batch_size=128, steps_per_call=20)
            config.optimizer.generator.ema = 0.999
            config.eval.metrics = config.eval.final_metrics = ()
            config.sample.every = config.checkpoint.every = 1000
    return config


def sweep_space():
    """Learning rate and beta1 of both players, for a search or random draws."""
    return {
        "optimizer.generator.learning_rate": Uniform(3e-5, 3e-3, log=True),
        "optimizer.discriminator.learning_rate": Uniform(3e-5, 3e-3, log=True),
        "optimizer.generator.b1": Uniform(0.0, 0.9),
        "optimizer.discriminator.b1": Uniform(0.0, 0.9),
    }
