"""Diffusion: a network that tells an example from the noise it was mixed with.

Papers: Ho, Jain & Abbeel 2020, arXiv:2006.11239; `cosine`: Nichol & Dhariwal 2021, arXiv:2102.09672 with the target of
Salimans & Ho 2022, arXiv:2202.00512; `edm`: Karras et al. 2022, arXiv:2206.00364; `guided`: Ho & Salimans 2022,
arXiv:2207.12598

  genlab --config=diffusion
    scikit-learn's digits at 16 px; after 600 of its 3,000 rounds a Frechet distance of 5.1 (3.2 to 7.1; 1,000 samples in
    200 ancestral steps; 300 real test digits: 3.7) in `digits_classifier`, precision .55, recall .93; by 50 steps of
    DDIM from the same run, "--config.experiment.sampler={'name': 'ddim', 'steps': 50}", 15.1 (12.8 to 17.3), .43 and .94
    (one seed).
  genlab --config=diffusion:toy
    a ring of eight Gaussians: 8 of 8 modes, 99.5 % of 2,500 samples within 3 standard deviations (real points
    98.5 %), KL(true || model) .044 nats (.029 to .060) by the exact divergence; 74 s of CPU time (one seed).
  genlab --config=diffusion:cosine
    after 800 of its 3,000 rounds a Frechet distance of 4.3 in `digits_classifier` (1,000 samples; 300 real test digits:
    3.7), precision .65, recall .92; 12 min of one core (one seed). On MNIST at 16 px: RESULTS, "Families side by side".
  genlab --config=diffusion:edm
    after 800 of its 3,000 rounds a Frechet distance of 4.2 (3.0 to 5.4), precision .54, recall .96; 18 min 27 s of CPU time
    (one seed).
  genlab --config=diffusion:guided
    after 800 of its 3,000 rounds, with "--config.experiment.sampler={'name': 'ddim', 'steps': 50}", 86.5 % of 1,000 samples
    (84.2 to 88.5) are of the class that was asked for; a Frechet distance of 15.9 (11.7 to 20.1), precision .68, recall .87;
    37 min 23 s of CPU time (one seed).
  genlab --config=diffusion:mnist --config.data.data_dir=DIR
    MNIST at 28 px; not measured in full. Made narrow and short, with "--config.model.denoiser.width=16
    --config.train.steps=800 --config.optimizer.denoiser.ema=0.99 --config.experiment.sampler={'name': 'ddim', 'steps': 50,
    'clip': (-1.0, 1.0)}", a Frechet distance of 13.9 (12.3 to 15.6; 1,000 samples; 1,000 real validation digits: 1.1),
    precision .46, recall .90; without the clip 79 (70 to 88); 30 min 40 s of CPU time (one seed).
"""

from genlab.shipped.configs import base
from genlab.shipped.configs.common.digits import in_features_of_digits
from ml_collections import ConfigDict

VARIANTS = ("tiny", "toy", "cosine", "edm", "guided", "mnist")


def get_config(variant: str = "") -> ConfigDict:
    """DDPM's path and target on scikit-learn's digits at 16 px; `toy` on a ring of Gaussians."""
    config = base.get_config()
    config.experiment = dict(
        name="diffusion",
        path="variance_preserving",
        target="noise",
        sampler=dict(name="ancestral", steps=200),
    )
    config.objective = dict(name="prediction_error")
    config.model = dict(denoiser=dict(name="time_unet", width=32))
    config.optimizer = dict(denoiser=dict(name="adam", learning_rate=1e-3, ema=0.995))
    config.data.update(name="digits", image_size=16, value_range=(-1.0, 1.0))
    config.train = dict(steps=3000, batch_size=64, steps_per_call=20)
    config.eval.update(every=1000, best="prediction_error")
    config.eval.final_metrics = ("class_coverage", *in_features_of_digits())
    config.sample = dict(every=1000, plots=("samples",))
    config.checkpoint.every = 1000

    match variant:
        case "tiny":
            config.experiment.sampler = dict(name="ancestral", steps=3)
            config.model.denoiser = dict(name="time_mlp", hidden=(16, 16), width=8)
            config.data.image_size = 8
            base.tiny(config)
        case "toy":
            toy(config)
            config.experiment.sampler.steps = 100
        case "cosine":
            config.experiment.update(path="cosine", target="v")
            config.experiment.sampler = dict(name="ddim", steps=50)
        case "edm":
            config.experiment.update(
                path="variance_exploding", target="preconditioned", scale_input=0.5
            )
            config.experiment.sampler = dict(name="heun", steps=18)
        case "guided":
            network = config.model.denoiser.to_dict()
            config.model.denoiser = dict(name="guided", network=network)
            config.experiment.update(drop_label=0.1, guidance=1.0)
            config.eval.final_metrics = (
                "class_agreement",
                *config.eval.final_metrics,
            )
            config.sample.plots = ("samples", "class_samples")
        case "mnist":
            config.data.name = "tfds:mnist"
            config.data.data_dir = ""
            config.data.image_size = 28
            config.experiment.sampler.clip = (-1.0, 1.0)
            config.model.denoiser.multiples = (1, 2, 2)
            config.train.steps = 20_000
            config.optimizer.denoiser.ema = 0.999
            config.eval.final_metrics = in_features_of_digits(10_000)
            config.eval.every = config.sample.every = config.checkpoint.every = 5000
    return config


def toy(config: ConfigDict) -> None:
    """A ring of eight Gaussians in the place of images."""
    config.model.denoiser = dict(name="time_mlp", hidden=(128,) * 3)
    digits = config.data
    config.data = {knob: digits[knob] for knob in base.get_config().data}
    config.data.update(name="toy2d", kind="ring")
    config.train = dict(steps=20_000, batch_size=256, steps_per_call=100)
    coverage = dict(name="mode_coverage", num_samples=2500)
    config.eval.final_metrics = (coverage, "log_density")
    config.log.every = 500
    config.optimizer.denoiser.schedule = dict(name="cosine", steps=20_000)
