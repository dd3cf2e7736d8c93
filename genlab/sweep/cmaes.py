"""CMA-ES over the numbers of a space, from nothing but the trials that are finished."""

import math
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.search_space import IntersectionSearchSpace
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

GENERATION = "cma:generation"  # of a trial, as Optuna's own sampler notes it too


class CmaSampler(BaseSampler):
    """A covariance matrix adaptation that is made again for each draw.

    Optuna's sampler keeps its state as a pickle in the study, and runs what a foreign journal has
    in that place. This one tells a new optimizer all generations before; it notes with a trial, as
    a number, of which generation it is. Choices, and the first trial, are drawn at random.

    Args:
      seed: of the draw.

    Paper: Hansen & Ostermeier 2001, Completely derandomized self-adaptation in evolution strategies
    """

    def __init__(self, seed: int):
        self._seed, self._random = seed, RandomSampler(seed=seed)

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """The numbers that all trials before have in common."""
        common = IntersectionSearchSpace().calculate(study)
        return {
            key: part
            for key, part in common.items()
            if isinstance(part, FloatDistribution | IntDistribution)
            if not part.single()
        }

    def sample_relative(
        self,
        study: Study,
        trial: FrozenTrial,
        search_space: dict[str, BaseDistribution],
    ) -> dict[str, Any]:
        """One more point of the generation that is not complete."""
        from cmaes import CMA

        finished = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if not search_space or not finished:
            return {}
        axes = {key: _Axis(part) for key, part in search_space.items()}
        optimizer = CMA(
            mean=np.full(len(axes), 0.5),
            sigma=1 / 6,
            bounds=np.array([[0.0, 1.0]] * len(axes)),
            n_max_resampling=10 * len(axes),
            seed=self._seed,
        )
        generations: dict[str, list[tuple[np.ndarray, float]]] = {}
        for known in finished:
            place = np.array([axes[key].place(known.params[key]) for key in axes])
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

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """At random."""
        return self._random.sample_independent(
            study, trial, param_name, param_distribution
        )


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
