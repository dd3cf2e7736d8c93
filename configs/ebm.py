"""Energy-based model: a network that is low on examples, and whose slope draws them.

Papers: Du & Mordatch 2019, arXiv:1903.08689; `denoising`: Vincent 2011, Neural Comput. 23:1661-1674; `sliced`: Song et
al. 2019, arXiv:1905.07088

  genlab --config=ebm
    scikit-learn's digits at 16 px, 60 Langevin steps from 8,192 persistent chains: after 800 rounds a Frechet distance
    of 7.5 (6.1 to 8.9; 300 real test images: 3.7) in `digits_classifier`, precision .38, recall .91, each class between
    8.1 and 12.2 % of the samples; 5 min on two busy cores (one seed).
  genlab --config=ebm:toy
    a ring of eight Gaussians, chains that jump as well: 8 of 8 modes, 98.3 % of 2,500 samples within 3 standard
    deviations (real points 98.5 %), KL(true || model) .035 nats (.017 to .053); 8 min 44 s on two busy cores (one
    seed). Without jumps the wells' depths drift: 212 nats; with the energies held near 0 by alpha 0.1, after 4,000
    rounds, .91.
  genlab --config=ebm:denoising
    a swiss roll with noise of standard deviation 0.3, whose density it learns: `kl` is to the points without it, 1.35
    nats (1.31 to 1.39), the optimum 1.35; 10,000 rounds, 82 s of CPU time (one seed). After 4,000 the arrows of
    `score_field` were those of `denoising_autoencoder:manifold` wherever there are data:
    genlab plot --workdir=DIR "--plots=({'name': 'score_field', 'beside': ['AUTOENCODER']},)"
  genlab --config=ebm:sliced
    the swiss roll itself: KL(true || model) .004 nats (-.001 to .009); 10,000 rounds, 96 s of CPU time (one seed).
  genlab --config=ebm:mnist --config.data.data_dir=DIR
    MNIST at 28 px; not measured in full. Made narrow and short, with "--config.model.energy.channels=(16,32,64)
    --config.model.energy.hidden=128 --config.train.batch_size=64 --config.train.steps=600", a Frechet distance of 13.4 (11.6
    to 15.1; 1,000 samples; 1,000 real test digits: 1.2), precision .45, recall .84; 10 min 3 s of CPU time (one seed).
"""

from genlab.shipped.configs import base
from genlab.shipped.configs.common.digits import in_features_of_digits
from ml_collections import ConfigDict

VARIANTS = ("tiny", "toy", "denoising", "sliced", "mnist")


def get_config(variant: str = "") -> ConfigDict:
    """Short persistent chains on scikit-learn's digits at 16 px; `toy` on a ring of Gaussians, `denoising` and
    `sliced` score matching on a swiss roll."""
    config = base.get_config()
    config.experiment = dict(
        name="energy_based",
        steps=60,
        step_size=10.0,
        noise=0.005,
        clip=0.03,
        chains=8192,
        corruption=dict(name="gaussian_noise", std=0.005),
        support=(-1.02, 1.02),
        sample_from="chains",
        sample_steps=60,
    )
    config.objective = dict(name="contrastive_divergence", alpha=0.1)
    network = dict(name="conv_classifier", num_classes=1, activation="silu")
    config.model = dict(energy=dict(network, channels=(32, 64), hidden=128))
    adam = dict(name="adam", learning_rate=1e-4, b1=0.0, clip=0.1)
    config.optimizer = dict(energy=adam)
    config.data.update(name="digits", image_size=16, value_range=(-1.0, 1.0))
    config.train = dict(steps=800, batch_size=64, steps_per_call=20)
    config.eval.update(every=400, metrics=("free_energy_gap",))
    config.eval.final_metrics = ("class_coverage", *in_features_of_digits())
    config.sample = dict(every=400, plots=("samples", "fantasies"))
    config.checkpoint.every = 400

    match variant:
        case "tiny":
            config.model.energy.update(channels=(8,), hidden=16)
            config.experiment.update(steps=2, step_size=0.1, chains=16, sample_steps=2)
            config.data.image_size = 8
            base.tiny(config)
        case "toy":
            in_the_plane(config)
        case "denoising" | "sliced":
            in_the_plane(config)
            by_its_score(config)
            if variant == "sliced":
                config.objective = dict(name="sliced_score_matching")
                config.data.std = 0.2
        case "mnist":
            config.data.update(name="tfds:mnist", data_dir="", image_size=28)
            config.model.energy.update(channels=(32, 64, 128), hidden=256)
            config.train.update(steps=6000, batch_size=128)
            config.eval.every = config.sample.every = config.checkpoint.every = 2000
            config.eval.final_metrics = in_features_of_digits(5000)
    return config


def in_the_plane(config: ConfigDict) -> None:
    """A ring of eight Gaussians in the place of images, at temperature 1."""
    config.experiment = dict(
        name="energy_based",
        support=(-3.0, 3.0),
        steps=20,
        step_size=1e-4,
        jump=True,
        chains=2048,
        fresh=0.0,
        sample_steps=1000,
    )
    config.objective = dict(name="energy_difference")
    network = dict(name="mlp_discriminator", hidden=(128,) * 3, activation="silu")
    config.model = dict(energy=network)
    adam = dict(name="adam", learning_rate=1e-3, clip=1.0, ema=0.995)
    schedule = dict(name="cosine", steps=10_000)
    config.optimizer = dict(energy=dict(adam, schedule=schedule))
    config.data = base.get_config().data
    config.data.update(name="toy2d", kind="ring")
    config.train = dict(steps=10_000, batch_size=256, steps_per_call=100)
    config.log.every = 500
    config.eval.update(every=2000, metrics=())
    coverage = dict(name="mode_coverage", num_samples=2500)
    config.eval.final_metrics = (coverage, "log_density")
    config.sample = dict(every=5000, plots=("samples", "score_field"))
    config.checkpoint.every = 5000


def by_its_score(config: ConfigDict) -> None:
    """Without chains, on the swiss roll of `denoising_autoencoder:manifold` with its noise."""
    config.experiment.update(support=(-5.0, 5.0), step_size=0.005, chains=None)
    config.objective = dict(name="denoising_score_matching", std=0.3)
    config.data.update(kind="swiss_roll", std=0.05)
    config.eval.final_metrics = ("log_density",)
