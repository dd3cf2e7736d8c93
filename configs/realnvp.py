"""RealNVP: exact likelihoods by coupling layers, on images at several resolutions and on points.

Papers: Dinh, Sohl-Dickstein & Bengio 2017, arXiv:1605.08803; `spline`: Durkan et al. 2019, arXiv:1906.04032

  genlab --config=realnvp
    scikit-learn's digits at their 8 px and 17 levels, two resolutions: 2.05 bits per dimension (2.00 to 2.09), a bound by one
    draw of the noise, test split; 4,000 rounds, 3 min 55 s of CPU time (one seed). It learns the 1,372 digits by heart:
    the best round on the validation split, the 1,000th, has 1.93 on the test split.
  genlab --config=realnvp:toy
    a ring of eight Gaussians: 8 modes have a sample, 61 % of 2,500 lie within 3 standard deviations (real points
    98.5 %), since affine layers leave bridges between them; KL(true || model) 1.02 nats (.91 to 1.13); 30 s of
    CPU time (one seed).
  genlab --config=realnvp:spline
    rational-quadratic splines in the place of affine maps: 8 of 8 modes, 98.2 %, KL .007 nats (.000 to .013; three seeds,
    RESULTS); 38 s for one. Points farther than 4 (`model.density.bound`) are not moved.
  genlab --config=realnvp:mnist --config.data.data_dir=DIR
    MNIST at 28 px, 256 levels; for a GPU. Not measured in full; made narrow and short, with "--config.model.density.width=16
    --config.train.batch_size=64 --config.train.steps=800 --config.optimizer.density.schedule.steps=800
    --config.optimizer.density.ema=0.99", 1.462 bits per dimension (1.457 to 1.468), a bound, of 10,000 test digits; 23 min 12 s of CPU
    time (one seed).
  genlab --config=realnvp:cifar10 --config.data.data_dir=DIR
    the paper's scales, blocks and maps, without its norms, which has 3.49 bits per dimension; for days on GPUs; not run.
"""

from genlab.shipped.configs import base
from genlab.shipped.configs.common import flows
from ml_collections import ConfigDict

VARIANTS = ("tiny", "toy", "spline", "mnist", "cifar10")


def get_config(variant: str = "") -> ConfigDict:
    """Digits; `toy` and `spline` on a ring of Gaussians."""
    if variant in ("toy", "spline"):
        return _of_points(variant)
    config = flows.of_digits(dict(name="real_nvp", width=32))
    match variant:
        case "tiny":
            config.model.density.update(width=2, blocks=1)
            base.tiny(config)
        case "mnist":
            flows.on_mnist(config)
            config.model.density.update(scales=3, width=64)
        case "cifar10":
            flows.on_cifar10(config, steps=500_000)
            config.model.density.update(width=64, blocks=8, logit=0.05)
    return config


def _of_points(variant: str) -> ConfigDict:
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
    if variant == "spline":
        config.model.density.update(layers=6, transform="spline")
    return config
