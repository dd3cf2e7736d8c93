"""A search: the space, the target, and which of Optuna's parts choose and stop its trials."""

import importlib.util
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from genlab.errors import InputError, suggest
from genlab.trials.space import Choice, Integers, Overrides, Space, Uniform, kept, size

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler

SAMPLERS = ("tpe", "gp", "cmaes", "random", "grid")
PRUNERS = ("none", "halving", "hyperband")

KEPT = 3  # one trial of so many goes on at each rung of a pruner


@dataclass(frozen=True, kw_only=True)
class Search:
    """How the trials of a space are chosen, and which of them are stopped early.

    Attributes:
      space: what may be chosen.
      target: the value to minimise, by its flat name in the results; `-NAME` maximises.
      trials: how many.
      sampler: tpe (tree-structured Parzen estimators), gp (a Gaussian process; needs PyTorch), cmaes,
        random (no point twice), or grid (every point of a space without Uniform, in a shuffled
        order).
      pruner: none, halving, or hyperband, on the target as it is measured during training.
      storage: an Optuna storage's URL; empty for a journal file in the folder of the sweep.

    Raises:
      InputError: an empty space, no target, no trials, an unknown sampler or pruner, or a grid of a
        space that has no end.

    Paper: Bergstra et al. 2011 (tpe); Hansen & Ostermeier 2001 (cmaes); Li et al. 2018,
    arXiv:1810.05934 (halving); Li et al. 2017, arXiv:1603.06560 (hyperband)
    """

    space: Space
    target: str
    trials: int
    sampler: str = "tpe"
    pruner: str = "none"
    storage: str = ""

    def __post_init__(self) -> None:
        if not self.space:
            raise InputError("the space has no keys; give one a distribution or more")
        if not self.target.removeprefix("-"):
            raise InputError("a search needs --target=[-]VALUE, a value of the results")
        if self.trials < 1:
            raise InputError(f"{self.trials} trials are no search; take 1 or more")
        if self.sampler not in SAMPLERS:
            hint = suggest(self.sampler, SAMPLERS)
            raise InputError(f"sampler {self.sampler!r} is unknown{hint}")
        if self.pruner not in PRUNERS:
            hint = suggest(self.pruner, PRUNERS)
            raise InputError(f"pruner {self.pruner!r} is unknown{hint}")
        if self.sampler == "grid":
            _points(self.space)
        if self.sampler == "gp" and importlib.util.find_spec("torch") is None:
            raise InputError("sampler 'gp' needs PyTorch: pip install torch")

    @property
    def count(self) -> int:
        """How many trials there are to train; a sampler that repeats none ends with the points."""
        if self.sampler not in ("grid", "random"):
            return self.trials
        return int(min(self.trials, size(self.space)))


def overrides_of(space: Space, params: dict[str, Any]) -> Overrides:
    """The parameters of a study's trial, which a journal from elsewhere may have made up.

    Raises:
      InputError: they are no point of the space; a name among them could be anybody's code.
    """
    for key, value in params.items():
        if key not in space or not space[key].holds(value):
            raise InputError(
                f"the study has a trial with {key}={value!r}, which is not in the space; name"
                " another folder with --workdir=DIR"
            )
    return params


def distributions(space: Space) -> "dict[str, BaseDistribution]":
    """The space as Optuna's distributions, by key.

    Choices that no storage keeps, such as tuples, are their text, which is what an override is.
    """
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    made: dict[str, BaseDistribution] = {}
    for key, part in space.items():
        if isinstance(part, Choice):
            made[key] = CategoricalDistribution(tuple(map(kept, part.values)))
        elif isinstance(part, Integers):
            made[key] = IntDistribution(part.low, part.high)
        else:
            made[key] = FloatDistribution(part.low, part.high, log=part.log)
    return made


def make_sampler(search: Search) -> "BaseSampler":
    """The sampler of a search; what it draws depends on the trial's number and those before it."""
    from optuna import samplers

    from genlab.sweep import cmaes
    from genlab.sweep.sampler import NumberedSampler, PointSampler, numbered_point

    space = search.space
    if search.sampler == "random":
        return PointSampler(
            distributions(space),
            lambda _, trial, __: numbered_point(space, trial.number),
        )
    if search.sampler == "cmaes":
        return PointSampler(distributions(space), cmaes.choose)
    if search.sampler == "grid":
        points = _points(space)
        # One seed for all trials: it is the order in which they share the points among them.
        return NumberedSampler(lambda _: samplers.GridSampler(points, seed=0))
    made = {
        # Workers beside each other keep away from the points that are under way.
        "tpe": lambda seed: samplers.TPESampler(seed=seed, constant_liar=True),
        "gp": lambda seed: samplers.GPSampler(seed=seed),
    }
    return NumberedSampler(made[search.sampler])


def make_pruner(search: Search, *, every: int, steps: int) -> "BasePruner":
    """The pruner of a search.

    Args:
      search: names it.
      every: rounds between evaluations, the first rung.
      steps: rounds of a whole trial.
    """
    from optuna import pruners

    if search.pruner == "halving":
        return pruners.SuccessiveHalvingPruner(
            min_resource=every, reduction_factor=KEPT
        )
    if search.pruner == "hyperband":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # as for the samplers
            return pruners.HyperbandPruner(
                min_resource=every, max_resource=steps, reduction_factor=KEPT
            )
    return pruners.NopPruner()


def _points(space: Space) -> dict[str, list[Any]]:
    """The values of each key of a space that is a grid."""
    points: dict[str, list[Any]] = {}
    for key, part in space.items():
        if isinstance(part, Uniform):
            raise InputError(
                f"sampler 'grid' needs a space of Choice and Integers; {key!r} is Uniform"
            )
        if isinstance(part, Integers):
            points[key] = list(range(part.low, part.high + 1))
        else:
            points[key] = list(dict.fromkeys(map(kept, part.values)))
    return points
