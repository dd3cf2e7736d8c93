"""log p(x) + log Z of examples, which models with a partition function know exactly, or a bound on it."""

import numpy as np

from genlab.boltzmann.units import Gaussian
from genlab.errors import InputError
from genlab.game import rng
from genlab.game.turn import Draw
from genlab.part import name_of
from genlab.trained.trained import Trained

CHUNK = 500  # examples that pass through the model at a time


def need_machine(trained: Trained, metric: str) -> None:
    """Raises InputError unless the family has a partition function."""
    if not trained.has("log_unnormalized"):
        raise InputError(
            f"metric {metric!r} needs a model with a partition function, such as 'rbm', 'dbn' or"
            f" 'dbm', not {name_of(trained.experiment)!r}"
        )


def unnormalized(
    trained: Trained, batch: dict[str, np.ndarray], split: str
) -> np.ndarray:
    """log p(x) + log Z of a batch of a split: [N], nats."""
    return _by_chunks(trained, "log_unnormalized", batch, split)


def machine_states(trained: Trained, num: int) -> np.ndarray:
    """Visible states of the machine at `num` training examples: [N, D]."""
    return _by_chunks(
        trained, "machine_states", trained.examples("train", num), "train"
    )


def title_of(trained: Trained, batch: dict[str, np.ndarray]) -> str:
    """What a mean over the batch is called: gray pixels are no states of Bernoulli units, and what
    these say of them is the logarithm of no probability."""
    real = isinstance(trained.call("machine").visible, Gaussian)
    binary = np.isin(batch["x"], (0, 1)).all()
    return "log_likelihood" if real or binary else "bernoulli_score"


def _by_chunks(
    trained: Trained, method: str, batch: dict[str, np.ndarray], split: str
) -> np.ndarray:
    step = np.zeros((), np.int32)
    parts = []
    for index, first in enumerate(range(0, len(batch["x"]), CHUNK)):
        part = {name: leaf[first : first + CHUNK] for name, leaf in batch.items()}
        root = rng.stream(trained.seed, f"{method}/{split}", index)
        parts.append(trained.call(method, Draw(part, root, step)))
    return np.concatenate(parts)
