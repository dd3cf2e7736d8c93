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

Distributions = dict[str, BaseDistribution]


def seed_of(trial: FrozenTrial, knob: str = "") -> int:
    """A seed of the trial's number and the knob's name.

    A study that goes on after a kill then draws what the unbroken one would have drawn, also where
    the kill fell between two knobs of a trial.
    """
    return zlib.crc32(f"{trial.number}/{knob}".encode())


class NumberedSampler(BaseSampler):
    """A sampler made anew for each draw, with the seed that `seed_of` gives it.

    Args:
      make: seed -> sampler.
    """

    def __init__(self, make: Callable[[int], BaseSampler]):
        self._make = make

    def _of(self, trial: FrozenTrial, knob: str = "") -> BaseSampler:
        with warnings.catch_warnings():
            # Optuna calls parts experimental that it has kept for years.
            warnings.simplefilter("ignore")
            return self._make(seed_of(trial, knob))

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        self._of(trial).before_trial(study, trial)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> Any:
        return self._of(trial).infer_relative_search_space(study, trial)

    def sample_relative(self, study: Study, trial: FrozenTrial, space: Any) -> Any:
        return self._of(trial).sample_relative(study, trial, space)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, knob: str, part: BaseDistribution
    ) -> Any:
        return self._of(trial, knob).sample_independent(study, trial, knob, part)


class PointSampler(BaseSampler):
    """A sampler that chooses all knobs of a trial at once.

    Args:
      space: what is chosen from.
      choose: study, trial, space -> a value for each knob.
    """

    def __init__(self, space: Distributions, choose: Callable[..., dict[str, Any]]):
        self._space, self._choose = space, choose

    def infer_relative_search_space(self, *_: Any) -> Distributions:
        return self._space

    def sample_relative(self, study: Study, trial: FrozenTrial, space: Any) -> Any:
        return self._choose(study, trial, space)

    def sample_independent(self, study: Study, trial: FrozenTrial, *knob: Any) -> Any:
        return self._choose(study, trial, self._space)[knob[0]]


def numbered_point(space: Space, number: int) -> dict[str, Any]:
    """The random point of that number, from 0 on, none of them twice."""
    *_, point = draw(space, number + 1)
    return {key: kept(value) for key, value in point.items()}
