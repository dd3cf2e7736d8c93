"""Restricted Boltzmann machine with Gaussian visible units, for real-valued pixels.

Paper: Hinton & Salakhutdinov 2006, Science 313:504-507; Krizhevsky 2009, Learning Multiple Layers of
Features from Tiny Images, section 1.4

Two CPU cores; nats of log p(x), a density of pixels in [0, 1], on the test split, in brackets the
95 % interval of log Z and the examples together:

  genlab --config=rbm_gaussian
    scikit-learn's digits, 8 px, 100 hidden units: log p(x) 21.2 (20.7 to 21.7, 83 of 100 effective
    runs, estimates of log Z within 0.06 nats), squared error of a completed half 0.046 a pixel (0.078
    of the mean image); 29 CPU seconds.
"""

from genlab.shipped.configs import rbm
from ml_collections import ConfigDict

from genlab.trials.space import grid

VARIANTS = ("tiny",)


def get_config(variant: str = "") -> ConfigDict:
    """CD-1 on pixels in [0, 1], of standard deviation 0.2 given the hidden units."""
    config = rbm.get_config(variant)
    config.model.machine.update(visible="gaussian", scale=0.2)
    # CD does not see modes far from the data, and real units go there: with 1e-4 annealing found one.
    config.experiment.weight_decay = 1e-2
    config.optimizer.rbm.update(learning_rate=0.002, momentum=0.9)
    config.data.binarize = "none"
    config.eval.best = "squared_error"
    config.sample.plots = ("reconstructions", "receptive_filters", "completions")
    return config


def sweep_scale():
    """The standard deviation of a pixel given the hidden units."""
    return grid(model__machine__scale=(0.1, 0.2, 0.4))
