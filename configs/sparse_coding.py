"""Sparse coding: a dictionary of which each example uses few atoms, by modal EM.

Papers: Olshausen & Field 1996, Nature 381:607-609; Mairal, Bach, Ponce & Sapiro 2010, JMLR 11:19-60

Two CPU cores:

  genlab --config=sparse_coding
    scikit-learn's digits, 8 px, 100 atoms, 100 rounds: of the test digits half the squared error 0.12 with
    21 % of the atoms in use, energy -54.2 nats; a linear probe on the codes 97.7 % (raw pixels, and codes
    of an untrained dictionary: 96.3 %); 30 CPU seconds (one seed). Samples of independent Laplace codes
    are no digits: what the model lacks is which atoms go together.
"""

from genlab.shipped.configs import base
from ml_collections import ConfigDict

from genlab.trials.space import grid

VARIANTS = ("tiny",)


def get_config(variant: str = "") -> ConfigDict:
    """All training digits in a batch, at rate 1: codes at their least, then the atoms in turn."""
    config = base.get_config()
    config.experiment = dict(name="density")
    config.objective = dict(name="description_length")
    config.model = dict(density=dict(name="sparse_dictionary", atoms=100))
    config.optimizer = dict(density=dict(name="sgd", learning_rate=1.0))
    config.data.name = "digits"
    config.train = dict(steps=100, batch_size=1372, steps_per_call=10)
    config.log.every = 10
    config.eval.update(every=50, best="energy")
    config.eval.final_metrics = ("linear_probe",)
    config.sample = dict(
        every=100, plots=("reconstructions", "receptive_filters", "samples")
    )
    config.checkpoint.every = 100

    if variant == "tiny":
        config.model.density.update(atoms=6, steps=5)
        config.optimizer.density.learning_rate = 0.1
        base.tiny(config)
    return config


def sweep_scale():
    """How sparse the codes are."""
    return grid(model__density__scale=(0.1, 0.2, 0.4, 0.8))
