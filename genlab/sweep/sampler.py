"""Optuna's samplers, with draws that depend on the trial's number and on the trials before it."""

import warnings
import zlib
from collections.abc import Callable
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.trial import FrozenTrial

from genlab.trials.space import Space, draw, kept


class NumberedSampler(BaseSampler):
    """A sampler made anew for each draw, with a seed of the trial's number and the knob's name.

    A study that goes on after a kill then draws what the unbroken one would have drawn, also where
    the kill fell between two knobs of a trial.

    Args:
      make: seed -> sampler.
    """

    def __init__(self, make: Callable[[int], BaseSampler]):
        self._make = make

    def _of(self, trial: FrozenTrial, knob: str = "") -> BaseSampler:
        with warnings.catch_warnings():
            # Optuna calls parts experimental that it has kept for years.
            warnings.simplefilter("ignore")
            return self._make(zlib.crc32(f"{trial.number}/{knob}".encode()))

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        self._of(trial).before_trial(study, trial)

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return self._of(trial).infer_relative_search_space(study, trial)

    def sample_relative(
        self,
        study: Study,
        trial: FrozenTrial,
        search_space: dict[str, BaseDistribution],
    ) -> dict[str, Any]:
        return self._of(trial).sample_relative(study, trial, search_space)

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        sampler = self._of(trial, param_name)
        return sampler.sample_independent(study, trial, param_name, param_distribution)


class DrawingSampler(BaseSampler):
    """A study's n-th trial is the n-th random point of the space, none of them twice.

    Args:
      space: what is drawn from.
      distributions: the same as Optuna has it.
    """

    def __init__(self, space: Space, distributions: dict[str, BaseDistribution]):
        self._space, self._distributions = space, distributions

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return self._distributions

    def sample_relative(
        self,
        study: Study,
        trial: FrozenTrial,
        search_space: dict[str, BaseDistribution],
    ) -> dict[str, Any]:
        return self._point(trial)

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        return self._point(trial)[param_name]

    def _point(self, trial: FrozenTrial) -> dict[str, Any]:
        *_, point = draw(self._space, trial.number + 1)
        return {key: kept(value) for key, value in point.items()}
