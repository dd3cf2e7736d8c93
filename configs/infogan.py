"""InfoGAN: codes that a generator shows and its discriminator finds again, without a label.

Papers: Chen et al. 2016, arXiv:1606.03657; of real examples too: Hu et al. 2017, arXiv:1702.08720

  genlab --config=infogan
    scikit-learn's digits at 16 px, the discriminator behind DiffAugment and its categories clusters of real
    digits too (`self_augmented_information`): after matching, of the samples of a category 78.1, 90.2 and
    90.6 % are of its class (seeds 0, 1 and 2; 1,000 samples each) by an SVM of 98.7 % accuracy, and of 300
    test digits 65.7, 74.3 and 73.7 % are recognized; 4,000 rounds, 2 min 30 s of CPU time a seed. With
    `--config.experiment.auxiliary=mutual_information`, the paper's game, 89.6, 67.2 and 63.2 %; without
    DiffAugment as well 83.3 % (one seed).
  genlab --config=infogan:mnist --config.data.data_dir=DIR
    MNIST at 16 px, the paper's game: 72.6 % of the samples of a category are of its class (69.8 to 75.3), and of 2,000
    digits 61.4 % (59.2 to 63.5) are recognized; 5,000 rounds, 4 min of CPU time (one seed). After 20,000
    rounds 63.4 % (60.4 to 66.3). With clusters of
    real digits and DiffAugment as above 68.6 and 49.1 % (seeds 0 and 1).
"""

from genlab.shipped.configs import base
from ml_collections import ConfigDict

VARIANTS = ("tiny", "mnist")

# What leaves a digit the digit that it is.
CHANGES = dict(name="diff_augment", policy=("translation", "zoom"))


def get_config(variant: str = "") -> ConfigDict:
    """scikit-learn's digits with the paper's codes and rates; `mnist`."""
    config = base.get_config()
    config.experiment = dict(
        name="gan",
        latent_dim=62,
        categorical=(10,),
        continuous=2,
        augment=CHANGES,
        auxiliary=(
            dict(name="mutual_information", weight=1.0),
            dict(name="self_augmented_information", weight=3.0, augment=CHANGES),
        ),
    )
    config.objective = dict(name="non_saturating")
    config.model = dict(
        generator=dict(name="dcgan_generator", width=32),
        discriminator=dict(
            name="heads",
            network=dict(name="dcgan_discriminator", width=32),
            heads=("codes",),
        ),
    )
    adam = dict(name="adam", b1=0.5)
    config.optimizer = dict(
        generator=dict(adam, learning_rate=1e-3, ema=0.99),
        discriminator=dict(adam, learning_rate=2e-4),
    )
    config.data.update(name="digits", image_size=16, value_range=(-1.0, 1.0))
    config.train = dict(steps=4000, batch_size=128, steps_per_call=20)
    config.eval.metrics = ("code_agreement",)
    config.sample = dict(every=1000, plots=("samples", "traversals"))
    config.checkpoint.every = 1000

    match variant:
        case "tiny":
            config.model.generator.width = 8
            config.model.discriminator.network.width = 8
            config.experiment.latent_dim = 8
            config.data.image_size = 8
            base.tiny(config)
            few = dict(name="code_agreement", num_samples=4, num_train=200)
            config.eval.update(every=0, metrics=(few,))
        case "mnist":
            config.data.name = "tfds:mnist"
            config.data.data_dir = ""
            config.train.steps = 5000
            # In as few passes over as many digits the game alone finds more.
            config.experiment.augment = None
            config.experiment.auxiliary = config.experiment.auxiliary[:1]
            few = dict(name="code_agreement", num=2000, num_train=5000)
            config.eval.metrics = (few,)
    return config
