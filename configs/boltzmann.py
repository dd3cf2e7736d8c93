"""General Boltzmann machine: small, every unit connected with every other.

Paper: Ackley, Hinton & Sejnowski 1985, Cogn. Sci. 9:147-169

Two CPU cores:

  genlab --config=boltzmann
    scikit-learn's digits, 8 px, binarised, 94 units: half the squared error of each pixel's mean
    given all other units 3.41 (3.33 to 3.49) an image of the test split; 17 CPU seconds.
"""

from genlab.shipped.configs import base
from ml_collections import ConfigDict

from genlab.trials.space import grid

VARIANTS = ("tiny", "visible")


def get_config(variant: str = "") -> ConfigDict:
    """Binarised digits with 30 hidden units, or fully `visible`."""
    config = base.get_config()
    config.experiment = dict(name="boltzmann", chains=100)
    config.objective = dict(name="energy_difference")
    config.model = dict(machine=dict(name="boltzmann", hidden=30))
    schedule = dict(name="linear", begin=0, steps=2000, end=0.0)
    config.optimizer = dict(
        boltzmann=dict(name="sgd", learning_rate=0.05, schedule=schedule)
    )
    config.data.update(name="digits", binarize="dynamic")
    config.train = dict(steps=2000, batch_size=100, steps_per_call=100)
    config.log.every = 500
    config.eval.update(every=1000, best="squared_error")
    config.sample = dict(every=1000, plots=("fantasies", "samples"))
    config.checkpoint.every = 1000

    match variant:
        case "tiny":
            config.model.machine.hidden = 3
            config.experiment.update(
                chains=8, sweeps=2, positive_sweeps=2, sample_sweeps=5
            )
            base.tiny(config)
        case "visible":
            config.model.machine.hidden = 0
            config.eval.best = "-pseudo_log_likelihood"
    return config


def sweep_hidden():
    """The number of hidden units."""
    return grid(model__machine__hidden=(0, 10, 30))
