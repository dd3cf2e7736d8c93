"""Whether each latent tells of one factor of the examples, and each factor of one latent."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from genlab.data.dataset import Dataset
from genlab.distances import attribution, information, votes
from genlab.distances.information import Coded
from genlab.errors import InputError, suggest
from genlab.game.experiment import Experiment
from genlab.metrics.measurement import Measurement, known
from genlab.numbers import Count
from genlab.registry import metrics
from genlab.statistics import about, standard_error
from genlab.trained.encoding import CHUNK
from genlab.trained.needs import needs
from genlab.trained.trained import Trained

SCORES = ("beta_vae", "factor_vae", "mig", "sap", "dci", "modularity")
GROUPS = (
    5  # disjoint parts of the examples, whose scores say how sure the score of all is
)
LEAST = 100  # examples of a part


@metrics.register
@needs("factors", "encode")
def disentanglement(
    trained: Trained,
    split: str,
    *,
    scores: Sequence[str] = SCORES,
    num_train: Count = 10_000,
    num_test: Count = 5_000,
    bins: Count = 20,
    estimator: str = "extra_trees",
    trees: Count = 20,
) -> Measurement:
    """Scores of disentanglement, beside those of ideal, random and mixed codes.

    None of them goes from 0 to 1, so each is also measured of three codes made from the factors of
    the same examples: `_ideal`, the factors themselves; `_random`, noise, as many numbers as the
    model's codes; `_mixed`, the cosine transform of the factors, a rotation: all that there is to know,
    and nothing in a place of its own.

    Args:
      trained: the model.
      split: where the examples come from that classifiers are judged on.
      scores: some of `beta_vae`, `factor_vae`, `mig`, `sap`, `dci` (three values) and `modularity`.
      num_train: examples of the train split that scores are counted and classifiers fitted on, an even
        spread; votes of `beta_vae` and `factor_vae` are as many.
      num_test: examples of `split`, an even spread.
      bins: of a code, of equal width, for the mutual information of `mig` and `modularity`.
      estimator: of `dci`: `extra_trees`, or `boosting`, which is the literature's with trees=100 and
        takes minutes.
      trees: of the estimator.

    Returns:
      Each score of the model's codes, by its name, and of the three others, `NAME_ideal`, `NAME_random`
      and `NAME_mixed`. Intervals are of the model's, by the
      spread of a score over five disjoint fifths of the examples, their draws and fits with them.

    Raises:
      InputError: no `encode`, a data set without factors, an unknown score or estimator.

    Papers: Locatello et al. 2019, arXiv:1811.12359; the scores' own are in `genlab.distances`
    """
    _check(
        trained.experiment,
        trained.data,
        scores=scores,
        bins=bins,
        estimator=estimator,
    )
    parts = [
        coded(trained, name, num)
        for name, num in (("train", num_train), (split, num_test))
    ]

    def measure(*parts: Coded) -> dict[str, float]:
        with (
            warnings.catch_warnings()
        ):  # of few examples, whose factors look like numbers
            warnings.filterwarnings("ignore", "The number of unique classes")
            return _measured(*parts, scores, bins, estimator, trees)

    values = measure(*parts)
    intervals = _intervals(parts, measure, values)
    width = parts[0].codes.shape[1]
    key = (
        *("disentanglement", split, width, len(parts[0].codes), len(parts[1].codes)),
    )
    knobs = (*scores, bins, estimator, trees)
    for name, code in REFERENCES.items():
        given = lambda code=code: measure(*_of_factors(parts, code, width))
        found = trained.once((*key, *knobs, name), given)
        values |= {f"{score}_{name}": value for score, value in found.items()}
    return Measurement(
        values, _protocol(parts, split, bins, estimator, trees), intervals
    )


def coded(trained: Trained, split: str, num: int) -> Coded:
    """Codes of examples of a split, an even spread, and their factors."""
    codes, factors = [], []
    for batch in trained.examples_in_chunks(split, num, CHUNK):
        found = trained.call("encode", batch["x"])
        codes.append(found.reshape(len(found), -1).astype(np.float64))
        factors.append(batch["factors"].astype(np.int64))
    return Coded(np.concatenate(codes), np.concatenate(factors))


def _ideal(factors: np.ndarray, width: int, generator: np.random.Generator):
    del width, generator
    values = factors.max(axis=0) + 1
    # By the deviation of even values, so that fitted and tested examples have one scale.
    return (factors - (values - 1) / 2) / np.sqrt((values**2 - 1) / 12 + 1e-9)


def _random(factors: np.ndarray, width: int, generator: np.random.Generator):
    return generator.normal(size=(len(factors), width))


def _mixed(factors: np.ndarray, width: int, generator: np.random.Generator):
    from scipy.fft import dct

    return dct(_ideal(factors, width, generator), norm="ortho", axis=1)


REFERENCES: dict[str, Callable] = {
    "ideal": _ideal,
    "random": _random,
    "mixed": _mixed,
}


def _of_factors(parts: list[Coded], code: Callable, width: int) -> list[Coded]:
    """The same examples with codes made from their factors."""
    generator = np.random.default_rng(1)
    return [Coded(code(part.factors, width, generator), part.factors) for part in parts]


def _measured(
    fitted: Coded,
    held: Coded,
    scores: Sequence[str],
    bins: int,
    estimator: str,
    trees: int,
) -> dict[str, float]:
    """The scores of codes by name."""
    found = {}
    if {"mig", "modularity"} & {*scores}:
        told = information.factor_information(fitted, bins=bins)
        entropy = information.factor_entropy(fitted.factors)
        found["mig"] = information.information_gap(told, entropy)
        found["modularity"] = information.modularity(told)
    counts = {"votes": len(fitted.codes), "held_votes": len(held.codes)}
    if "beta_vae" in scores:
        found["beta_vae"] = votes.difference_score(fitted, held, **counts)
    if "factor_vae" in scores:
        found["factor_vae"] = votes.variance_score(fitted, held, **counts)
    if "sap" in scores:
        found["sap"] = attribution.attribute_gap(fitted, held)
    if "dci" in scores:
        dci = attribution.attribution(fitted, held, estimator=estimator, trees=trees)
        found |= {f"dci_{name}": value for name, value in dci._asdict().items()}
    return {name: value for name, value in found.items() if _asked(name, scores)}


def _asked(name: str, scores: Sequence[str]) -> bool:
    return name in scores or (name.startswith("dci_") and "dci" in scores)


def _intervals(
    parts: list[Coded],
    measure: Callable[..., dict[str, float]],
    whole: dict[str, float],
) -> dict[str, tuple[float, float]]:
    """95 % intervals around the scores of all, where there are enough examples to be parted."""
    if min(len(part.codes) for part in parts) < GROUPS * LEAST:
        return {}
    order = [np.random.default_rng(2).permutation(len(part.codes)) for part in parts]
    groups = []
    for index in range(GROUPS):
        rows = [rows[index::GROUPS] for rows in order]
        groups.append(
            measure(
                *(
                    Coded(part.codes[some], part.factors[some])
                    for part, some in zip(parts, rows, strict=True)
                )
            )
        )
    errors = {name: standard_error([group[name] for group in groups]) for name in whole}
    return known(
        {name: about(whole[name], error, GROUPS) for name, error in errors.items()}
    )


def _protocol(
    parts: list[Coded], split: str, bins: int, estimator: str, trees: int
) -> dict[str, Any]:
    return {
        "split": split,
        "fitted_on": len(parts[0].codes),
        "tested_on": len(parts[1].codes),
        "factors": parts[0].factors.shape[1],
        "codes": parts[0].codes.shape[1],
        "bins": bins,
        "beta_vae": f"logistic regression, {votes.GROUP} pairs a vote",
        "factor_vae": f"{votes.GROUP} examples a vote",
        "sap": "thresholds, balanced accuracy",
        "dci": f"{estimator} of {trees} trees",
        "intervals": f"spread over {GROUPS} disjoint parts",
    }


def _check(
    experiment: Experiment,
    data: Dataset,
    *,
    scores: Sequence[str],
    bins: int,
    estimator: str,
    **knobs: Any,
) -> None:
    del experiment, knobs
    if not scores:
        raise InputError(
            f"scores=() measures nothing; name some of {', '.join(SCORES)}"
        )
    for score in scores:
        if score not in SCORES:
            raise InputError(f"unknown score {score!r}{suggest(score, SCORES)}")
    if bins < 2:
        raise InputError(f"bins={bins} tell nothing of a code; take 2 or more")
    if len(data.factors) < 2:
        raise InputError(
            f"disentanglement is of two factors or more; {data.name!r} has {len(data.factors)}"
        )
    attribution.check_estimator(estimator)


disentanglement.check = _check
