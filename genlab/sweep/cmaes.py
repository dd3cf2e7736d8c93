"""CMA-ES over the numbers of a space, from nothing but the trials that are finished."""

import math
from typing import Any

import numpy as np
from optuna.distributions import FloatDistribution, IntDistribution
from optuna.samplers import RandomSampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from genlab.sweep.sampler import Distributions, seed_of

GENERATION = "cma:generation"  # of a trial, as Optuna's own sampler notes it too


def choose(study: Study, trial: FrozenTrial, space: Distributions) -> dict[str, Any]:
    """A point whose numbers are one more of the generation that is not complete.

    Choices, and all of the first trial, are drawn at random.

    Args:
      study: has the finished trials.
      trial: whose point it is.
      space: what is chosen from.

    Paper: Hansen & Ostermeier 2001, Completely derandomized self-adaptation in evolution strategies
    """
    drawn = {
        key: RandomSampler(seed_of(trial, key)).sample_independent(
            study, trial, key, part
        )
        for key, part in space.items()
    }
    finished = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    numbers = {
        key: _Axis(part)
        for key, part in sorted(space.items())
        if isinstance(part, FloatDistribution | IntDistribution) and not part.single()
        if all(key in known.params for known in finished)
    }
    if finished and numbers:
        drawn |= _next(study, trial, finished, numbers)
    return drawn


def _next(
    study: Study,
    trial: FrozenTrial,
    finished: list[FrozenTrial],
    axes: "dict[str, _Axis]",
) -> dict[str, float]:
    """A draw of an optimizer that is made again and told all generations before.

    Optuna's sampler keeps its state as a pickle in the study, and runs what a foreign journal has
    in that place. This one notes with a trial, as a number, of which generation it is.
    """
    from cmaes import CMA

    optimizer = CMA(
        mean=np.full(len(axes), 0.5),
        sigma=1 / 6,
        bounds=np.array([[0.0, 1.0]] * len(axes)),
        n_max_resampling=10 * len(axes),
        seed=seed_of(trial),
    )
    generations: dict[str, list[tuple[np.ndarray, float]]] = {}
    for known in finished:
        place = np.array([axis.place(known.params[key]) for key, axis in axes.items()])
        generation = known.system_attrs.get(GENERATION)
        generations.setdefault(str(generation), []).append((place, known.value))
    size = optimizer.population_size
    while len(told := generations.get(str(optimizer.generation), [])) >= size:
        optimizer.tell(told[:size])
    study._storage.set_trial_system_attr(
        trial._trial_id, GENERATION, optimizer.generation
    )
    drawn = zip(axes.items(), optimizer.ask(), strict=True)
    return {key: axis.value(place) for (key, axis), place in drawn}


class _Axis:
    """A number's place between 0 and 1; a whole number has an interval of it to itself."""

    def __init__(self, part: FloatDistribution | IntDistribution):
        self._part, self._whole = part, isinstance(part, IntDistribution)
        low, high = part.low, part.high
        if self._whole:
            low, high = low - 0.5, high + 0.5
        elif part.log:
            low, high = math.log(low), math.log(high)
        self._low, self._high = low, high

    def place(self, value: float) -> float:
        value = math.log(value) if self._part.log else value
        return (value - self._low) / (self._high - self._low)

    def value(self, place: float) -> float:
        value = self._low + place * (self._high - self._low)
        value = math.exp(value) if self._part.log else value
        value = round(value) if self._whole else float(value)
        return min(max(value, self._part.low), self._part.high)
