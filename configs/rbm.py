"""Restricted Boltzmann machine, trained by contrastive divergence.

Papers: Hinton 2002, Neural Comput. 14:1771-1800; Hinton 2012, A Practical Guide to Training
Restricted Boltzmann Machines; log Z: Salakhutdinov & Murray 2008, ICML

Two CPU cores; nats of log p(x) on the test split, dynamically binarised, in brackets the 95 %
interval of log Z and the examples together:

  genlab --config=rbm
    scikit-learn's digits, 8 px, 100 hidden units, CD-1: log p(x) -22.4 (-22.8 to -22.0, 82 of 100
    effective runs, estimates of log Z within 0.13 nats), log pseudo-likelihood -19.8, squared error of
    a completed half 0.127 a pixel (0.148 of the mean image); 37 CPU seconds.
  genlab --config=rbm:exact
    20 hidden units: log p(x) -22.86 (-23.3 to -22.4) by enumeration, -22.87 by annealing; 40 CPU
    seconds.
  genlab --config=rbm:sparse
    as the first, with hidden units pulled to a mean of 0.1: -22.5 (-22.9 to -22.0); 33 CPU seconds.
  genlab --config=rbm:mnist --config.data.data_dir=DIR
    MNIST, 500 hidden units, CD-1, 30,000 rounds: log p(x) -144.5 (-145.0 to -143.9, 61 of 100
    effective runs, estimates of log Z within 0.19 nats), log pseudo-likelihood -67.3; 2 min 31 s of CPU
    time, and 1 min 38 s for `eval --metrics=log_likelihood`.
  genlab --config=rbm:mnist_cd3 --config.data.data_dir=DIR
    the same by CD-3: -114.1 (-114.7 to -113.6, 61 of 100 effective runs, estimates of log Z within
    0.22 nats), log pseudo-likelihood -66.8; 3 min 32 s of CPU time.
  genlab --config=rbm:mnist_cd25 --config.data.data_dir=DIR
    by CD-25: log pseudo-likelihood -68.0; log p(x) refused, with 3 of 100 effective runs and log Z 579.1
    by annealing but 558.4 by reverse annealing; 14 min of CPU time. After 12,000 rounds with
    `--config.experiment.weight_decay=1e-3` -100.4 (-100.9 to -99.9, 65 of 100 effective runs, estimates
    within 0.10 nats).
"""

from genlab.shipped.configs import base
from ml_collections import ConfigDict

from genlab.trials.space import grid

VARIANTS = ("tiny", "sparse", "exact", "mnist", "mnist_cd3", "mnist_cd25")


def get_config(variant: str = "") -> ConfigDict:
    """CD-1 on binarised digits; `sparse` hidden units, few enough for an `exact` log Z."""
    config = base.get_config()
    config.experiment = dict(name="rbm", sweeps=1, weight_decay=1e-4)
    config.objective = dict(name="energy_difference")
    config.model = dict(machine=dict(name="rbm", hidden=100))
    config.optimizer = dict(rbm=dict(name="sgd", learning_rate=0.05, momentum=0.5))
    config.data.update(name="digits", binarize="dynamic")
    config.train = dict(steps=10_000, batch_size=100, steps_per_call=100)
    config.log.every = 500
    config.eval.update(every=2500, best="-pseudo_log_likelihood")
    config.eval.metrics = ("free_energy_gap", "completion")
    config.eval.final_metrics = (dict(name="log_likelihood", betas=(50, 400, 1000)),)
    config.sample = dict(
        every=5000, plots=("samples", "receptive_filters", "completions")
    )
    config.checkpoint.every = 5000

    match variant:
        case "tiny":
            config.model.machine.hidden = 12
            config.experiment.sample_sweeps = 10
            base.tiny(config)
        case "sparse":
            config.experiment.update(
                regularizer=dict(name="kl_sparsity", weight=1.0, target=0.1),
                mean_decay=0.9,
            )
        case "exact":
            config.model.machine.hidden = 20
            config.eval.metrics = ("exact_log_likelihood",)
            config.eval.final_metrics = ("log_likelihood",)
        case "mnist" | "mnist_cd3" | "mnist_cd25":
            config.experiment.sweeps = int(variant.partition("_cd")[2] or 1)
            config.model.machine.hidden = 500
            config.data.update(name="tfds:mnist", data_dir="")
            config.optimizer.rbm.schedule = dict(
                name="linear", begin=0, steps=30_000, end=0.0
            )
            config.train.steps = 30_000
            config.eval.every = config.sample.every = 10_000
            config.eval.metrics, config.eval.final_metrics = ("free_energy_gap",), ()
    return config


def sweep_rate():
    """The learning rate."""
    return grid(optimizer__rbm__learning_rate=(0.01, 0.03, 0.1, 0.3))
