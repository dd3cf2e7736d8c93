"""Restricted Boltzmann machine, trained with persistent chains, at one temperature or several.

Papers: Tieleman 2008, ICML; parallel tempering: Desjardins et al. 2010, AISTATS

Two CPU cores; nats of log p(x) on the test split, dynamically binarised, in brackets the 95 %
interval of log Z and the examples together:

  genlab --config=rbm_pcd
    scikit-learn's digits, 8 px, 100 hidden units: log p(x) -22.9 (-23.4 to -22.5, 93 of 100 effective
    runs, estimates of log Z within 0.06 nats); 31 CPU seconds.
  genlab --config=rbm_pcd:tempered
    the same at ten temperatures: -22.9 (-23.4 to -22.5, 94 of 100 effective runs); 36 CPU seconds.
  genlab --config=rbm_pcd:mnist --config.data.data_dir=DIR
    MNIST, 500 hidden units: log p(x) -85.7 (-86.2 to -85.1, 37 of 100 effective runs, estimates of log Z
    within 0.28 nats), squared error of a completed half 0.065 a pixel (0.092 of the mean image), 90,000
    rounds; 9 min 22 s of CPU time with the measurement.
"""

from genlab.shipped.configs import rbm
from ml_collections import ConfigDict

from genlab.trials.space import grid

VARIANTS = ("tiny", "tempered", "mnist")


def get_config(variant: str = "") -> ConfigDict:
    """PCD-1 with 100 chains; `tempered` has ten temperatures."""
    config = rbm.get_config("mnist" if variant == "mnist" else "")
    config.experiment.chains = 100
    config.optimizer = dict(
        rbm=dict(
            name="sgd",
            learning_rate=0.05,
            schedule=dict(name="linear", begin=0, steps=10_000, end=0.0),
        )
    )
    config.sample.plots = ("fantasies", "receptive_filters", "completions")

    match variant:
        case "tiny":
            tiny = rbm.get_config("tiny")
            config.update({key: tiny[key] for key in ("model", "train", "log", "eval")})
            config.experiment.update(chains=8, temperatures=3, sample_sweeps=10)
            config.optimizer.rbm.schedule = None
            config.sample.every = config.checkpoint.every = 4
        case "tempered":
            config.experiment.temperatures = 10
        case "mnist":
            config.train.steps = config.optimizer.rbm.schedule.steps = 90_000
            config.eval.every = config.sample.every = 15_000
            config.eval.metrics = ("free_energy_gap", "completion")
            config.eval.final_metrics = ("log_likelihood",)
    return config


def sweep_chains():
    """How many chains, at how many temperatures."""
    return grid(experiment__chains=(20, 100), experiment__temperatures=(1, 10))
