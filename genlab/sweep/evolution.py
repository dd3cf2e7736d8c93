"""Population-based training: now and then losers become copies of winners, with other knobs.

Paper: Jaderberg et al. 2017, arXiv:1711.09846
"""

from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from genlab.errors import InputError
from genlab.sweep.cohort import Cohort, Crowd
from genlab.sweep.member import Member, check_target
from genlab.trials.trial import Trial

SHARE = 0.25  # of the members, from either end
FACTORS = (0.8, 1.25)


@dataclass(frozen=True)
class Evolution:
    """Exploit and explore, every so many rounds.

    A member in the worst quarter by the target becomes a copy of one in the best quarter,
    optimizer and all, and its knobs, those floats in which the trials differ, are the winner's
    times 0.8 or 1.25, kept inside the range that the trials span. What happened to a trial stands
    in its `evolution.json`; it keeps its name, its seed and its data order.

    Attributes:
      target: the value to minimise as it is measured during training, on `eval.split`; `-NAME`
        maximises.
      every: rounds between two such steps.
    """

    target: str
    every: int

    @property
    def mode(self) -> dict[str, Any]:
        """What `genlab.sweep.mode` keeps of it."""
        return {"evolve": self.every, "target": self.target}

    def check(self, trials: list[Trial]) -> None:
        """Raises InputError unless the trials are measured whenever a step is due."""
        for trial in trials:
            measured = trial.config["eval"]["every"]
            if self.every < 1 or not measured or self.every % measured:
                raise InputError(
                    f"--evolve={self.every} is no multiple of eval.every={measured} rounds, at"
                    " which the target is measured"
                )

    def is_due(self, step: int) -> bool:
        """Whether losers are replaced after `step` rounds."""
        return step % self.every == 0

    def step(
        self, cohort: Cohort, crowd: Crowd, members: list[Member], step: int
    ) -> Crowd:
        """The crowd with its worst members replaced; a pure function of scores and step."""
        check_target(members, self.target)
        scores = np.array([member.score(self.target) for member in members])
        parents = choose_parents(scores, np.random.default_rng([0, step]))
        knobs = explore(cohort.knobs.values, crowd.knobs, parents, step)
        for child, parent in enumerate(parents):
            if child != parent:
                names = (".".join(path) for path in cohort.knobs.paths)
                values = (float(column[child]) for column in knobs)
                members[child].become(members[parent], step, dict(zip(names, values)))
        state = jax.tree.map(lambda leaf: np.asarray(leaf)[parents], crowd.state)
        return Crowd(state, knobs)


def choose_parents(scores: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """For each member whose copy it becomes: itself, or one of the best where it is of the worst.

    Args:
      scores: [members], lower is better; infinite for one without a value.
      generator: draws the winners.

    Returns:
      [members] int.
    """
    count = max(1, round(SHARE * len(scores)))
    order = np.argsort(scores, kind="stable")
    best = [index for index in order[:count] if np.isfinite(scores[index])]
    parents = np.arange(len(scores))
    if len(scores) > 1 and best:
        for loser in order[max(count, len(scores) - count) :]:
            parents[loser] = generator.choice(best)
    return parents


def explore(
    first: tuple[np.ndarray, ...],
    now: tuple[np.ndarray, ...],
    parents: np.ndarray,
    step: int,
) -> tuple[np.ndarray, ...]:
    """The parents' knobs, those of copies times 0.8 or 1.25.

    Args:
      first: the knobs that the trials began with, [members] each; they span the range.
      now: their present values.
      parents: [members].
      step: rounds done.
    """
    generator = np.random.default_rng([1, step])
    copied = parents != np.arange(len(parents))
    moved = []
    for began, column in zip(first, now, strict=True):
        values = np.asarray(column)[parents]
        factors = generator.choice(FACTORS, size=len(parents))
        moved_values = np.clip(values * factors, began.min(), began.max())
        moved.append(np.where(copied, moved_values, values).astype(np.float32))
    return tuple(moved)
