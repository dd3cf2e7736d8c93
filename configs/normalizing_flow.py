"""Normalizing flows: exact likelihoods by invertible networks.

Papers: RealNVP: Dinh, Sohl-Dickstein & Bengio 2017, arXiv:1605.08803; `spline`: Durkan et al. 2019, arXiv:1906.04032;
`glow`: Kingma & Dhariwal 2018, arXiv:1807.03039; `variational`: Ho et al. 2019, arXiv:1902.00275

  genlab --config=normalizing_flow
    a ring of eight Gaussians: 8 modes have a sample, 61 % of 2,500 lie within 3 standard deviations (real points
    98.5 %), since affine layers leave bridges between them; KL(true || model) 1.02 nats (.91 to 1.13); 30 s of
    CPU time (one seed).
  genlab --config=normalizing_flow:spline
    8 of 8 modes, 98.0 %, KL .002 nats (-.006 to .009); 38 s.
  genlab --config=normalizing_flow:glow
    scikit-learn's digits at 16 px, 256 levels. Not measured yet.
  genlab --config=normalizing_flow:variational
    the digits at their 8 px and 17 levels by Glow, noise in the levels learned. With 1,000 rounds in the place of 4,000, and a schedule as short, 1.945
    bits per dimension (1.919 to 1.972), a bound, test split; one seed, 1 min 36 s of CPU time.
  genlab --config=normalizing_flow:mnist --config.data.data_dir=DIR
    MNIST at 28 px, 256 levels, noise in the levels learned; for a GPU. Not measured yet.
"""

from genlab.shipped.configs import base
from ml_collections import ConfigDict

VARIANTS = ("tiny", "spline", "glow", "variational", "mnist")


def get_config(variant: str = "") -> ConfigDict:
    """RealNVP on a ring of Gaussians; `spline` bends in the place of scaling; `glow` and what follows for
    images."""
    config = base.get_config()
    config.experiment = dict(name="density")
    config.objective = dict(name="description_length")
    config.model = dict(density=dict(name="coupling_flow", layers=8, hidden=(64, 64)))
    schedule = dict(name="cosine", steps=10_000)
    adam = dict(name="adam", learning_rate=1e-3, clip=10.0, ema=0.995)
    config.optimizer = dict(density=dict(adam, schedule=schedule))
    config.data.update(name="toy2d", kind="ring")
    config.train = dict(steps=10_000, batch_size=256, steps_per_call=100)
    config.log.every = 500
    config.eval.update(every=2000, best="negative_log_likelihood")
    coverage = dict(name="mode_coverage", num_samples=2500)
    config.eval.final_metrics = (coverage, "log_density")
    config.sample = dict(every=5000, plots=("samples",))
    config.checkpoint.every = 5000

    match variant:
        case "tiny":
            config.model.density.update(layers=2, hidden=(8,))
            base.tiny(config)
        case "spline":
            config.model.density.update(layers=6, transform="spline")
        case "glow":
            _on_digits(config)
        case "variational" | "mnist":
            _on_digits(config)
            noise = dict(name="variational_dequantizer")
            density = config.model.density
            density.update(levels=17, steps=4, dequantizer=noise, logit=1e-5)
            config.data.image_size = None
            config.eval.final_metrics = ("class_coverage",)
            if variant == "mnist":
                _on_mnist(config)
    return config


def _on_digits(config: ConfigDict) -> None:
    """Glow of two resolutions in the place of points."""
    config.model.density = dict(name="glow", levels=256, steps=6, width=64)
    config.data = base.get_config().data
    config.data.update(name="digits", image_size=16, value_range=(-1.0, 1.0))
    config.optimizer.density.schedule.steps = 4000
    config.train = dict(steps=4000, batch_size=64, steps_per_call=20)
    config.eval.final_metrics = ("class_coverage", "log_density")
    config.sample = dict(every=1000, plots=("samples",))
    config.checkpoint.every = 1000


def _on_mnist(config: ConfigDict) -> None:
    """The same on MNIST, wider and longer; for a GPU."""
    steps = 10_000
    config.data.update(name="tfds:mnist", data_dir="", image_size=28)
    config.model.density.update(levels=256, steps=12, width=256)
    config.optimizer.density.update(ema=0.999)
    config.optimizer.density.schedule.steps = steps
    config.train = dict(steps=steps, batch_size=128, steps_per_call=100)
    config.eval.final_metrics = ()
    config.eval.every = config.sample.every = config.checkpoint.every = steps // 4
