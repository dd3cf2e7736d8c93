"""Whether a small game comes to rest where it stands, by the eigenvalues of its Jacobian."""

from typing import Any

import jax
import numpy as np

from genlab.data.dataset import Dataset
from genlab.data.facts import blank_batch
from genlab.errors import InputError
from genlab.game import rng
from genlab.game.experiment import Experiment
from genlab.game.turn import Draw
from genlab.geometry.game import check_small, field, game_jacobian
from genlab.metrics.measurement import Measurement
from genlab.numbers import Count
from genlab.part import settled
from genlab.registry import metrics
from genlab.trained.needs import needs
from genlab.trained.trained import Trained

SMALLEST = 1e-6  # an eigenvalue below which there is no direction


@metrics.register
@needs("sample")
def game_spectrum(trained: Trained, split: str, *, num: Count = 256) -> Measurement:
    """Eigenvalues of the Jacobian of simultaneous gradient descent on all players' losses.

    Args:
      trained: a game of 2,000 parameters at most.
      split: whose examples the players look at.
      num: examples, an even spread.

    Returns:
      `growth`, the largest real part, below 0 where a game at rest is stable; `rotation`, the largest
      share of its imaginary part in the size of an eigenvalue, in [0, 1]; `force`, the norm of the
      field, 0 at rest.

    Raises:
      InputError: a game that is too large, parameters that nobody moves, or a field without a slope.

    Paper: Mescheder et al. 2017, arXiv:1705.10461
    """
    force, values = spectrum(trained, split, num)
    sizes = np.abs(values)
    turning = np.abs(values.imag) / np.maximum(sizes, SMALLEST)
    found = {
        "growth": float(values.real.max()),
        "rotation": float(np.max(turning[sizes > SMALLEST], initial=0.0)),
        "force": float(np.linalg.norm(force)),
    }
    return Measurement(
        found,
        {
            "split": split,
            "examples": min(num, trained.data.splits[split].size),
            "parameters": len(force),
        },
    )


def spectrum(trained: Trained, split: str, num: int) -> tuple[np.ndarray, np.ndarray]:
    """The field of the game where it stands, [P], and the eigenvalues of its Jacobian, [P] complex."""
    check_small(trained.experiment, trained.params)
    batch = trained.examples(split, num)
    key = rng.stream(trained.seed, "game_spectrum")

    def both(experiment, params, extra, batch, key, step):
        where = params, extra, Draw(batch, key, step)
        return field(experiment, *where), game_jacobian(experiment, *where)

    compiled = trained.compile("game_spectrum", both)
    where = trained.params, trained.extra, batch, key, np.int32(trained.step)
    force, slope = jax.device_get(compiled(*where))
    if not np.isfinite(
        slope
    ).all():  # an expectation maximisation that has seen nothing yet
        raise InputError(
            "game_spectrum: the field of the game has no slope where it stands; train it for a round"
        )
    return force, np.linalg.eigvals(slope.astype(np.float64))


def check_game(experiment: Experiment, data: Dataset, *, exactly: int = 0) -> None:
    """`check_small` before training, on shapes."""
    batch = blank_batch(data)
    now = settled(experiment, 0)
    params, _ = jax.eval_shape(lambda key: now.init(key, batch), jax.random.key(0))
    check_small(experiment, params, exactly=exactly)


def _check(experiment: Experiment, data: Dataset, **knobs: Any) -> None:
    del knobs
    check_game(experiment, data)


game_spectrum.check = _check
