"""How well each thing that a model can say of an example tells a class that it has never seen."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np

from genlab.data.dataset import Dataset
from genlab.errors import InputError
from genlab.game import rng
from genlab.game.experiment import Experiment
from genlab.game.turn import Draw
from genlab.metrics.anomaly import refuse_all_seen, unseen_in
from genlab.metrics.measurement import Measurement, known
from genlab.metrics.representation import in_chunks
from genlab.numbers import Count
from genlab.registry import metrics
from genlab.statistics import about
from genlab.trained.encoding import CHUNK, METHODS, check_encoding, encoded, untrained
from genlab.trained.needs import needs, shapes_of
from genlab.trained.trained import Trained

# What a family measures of an example -> the score that it is.
MEASURED = {
    "negative_elbo": "bound",
    "negative_log_likelihood": "likelihood",
    "free_energy": "free_energy",
    "energy": "energy",
}


@metrics.register
@needs("labels")
def outliers(
    trained: Trained,
    split: str,
    *,
    num: Count = 10_000,
    num_train: Count = 5000,
    k: Count = 5,
    components: Count = 32,
) -> Measurement:
    """ROC-AUC for examples of a class that training has not seen, by every score that the model has.

    Scores, the higher the stranger: `reconstruction`, ||x - g(f(x))||^2; `bound`, the negative ELBO;
    `likelihood`, -log p(x); `free_energy` or `energy`; `discriminator`, its logit for fake; `codes`,
    the mean distance of the code to the k nearest of training codes. Beside them, for any model, what needs no
    training of it: the same distance of codes of the untrained encoder, `untrained`, and of examples,
    `raw`, and the reconstruction error of PCA, `pca`. The area is the probability that an outlier
    scores above an example of a known class, ties counted half.

    Args:
      trained: the model, whose data.without_labels kept a class from it.
      split: where the examples come from.
      num: examples, an even spread over the split.
      num_train: training examples that distances are taken to and PCA is fitted on.
      k: neighbours that a distance is the mean of.
      components: of PCA.

    A score that the model's networks do not serve is left out, and the protocol says why.

    Returns:
      `roc_auc_SCORE` in [0, 1], 0.5 by chance, with intervals over the examples (DeLong's error).

    Raises:
      InputError: not both known and unseen classes in the split.

    Papers: DeLong et al. 1988, Biometrics 44:837-845; by classes held out: Zenati et al. 2018,
      arXiv:1802.06222; by distance: Bergman et al. 2020, arXiv:2002.10445
    """
    batch = trained.examples(split, num)
    unseen = unseen_in(trained, batch["label"], split, "outliers")
    train = trained.examples("train", num_train)
    offered, left_out = offers(trained)
    scores = dict(_scores(trained, offered, train, batch, k, components))
    found = {name: area(score, unseen) for name, score in scores.items()}
    values = {f"roc_auc_{name}": value for name, (value, _) in found.items()}
    count = int(min(unseen.sum(), (~unseen).sum()))
    intervals = {
        f"roc_auc_{n}": about(v, e, count, share=True) for n, (v, e) in found.items()
    }
    protocol = {
        "split": split,
        "unseen_classes": np.unique(batch["label"][unseen]).tolist(),
        "unseen": int(unseen.sum()),
        "known": int((~unseen).sum()),
        "distance": f"mean of the {k} nearest of {len(train['x'])} training examples",
        "pca": f"{components} components",
        "left_out": left_out,
    }
    return Measurement(values, protocol, known(intervals))


def area(scores: np.ndarray, unseen: np.ndarray) -> tuple[float, float]:
    """ROC-AUC of `scores: [N]` for `unseen: [N]` bool, and its standard error by DeLong."""
    from scipy.stats import rankdata

    high, low = scores[unseen], scores[~unseen]
    ranks = rankdata(np.concatenate([high, low]))
    # Of each outlier the share of known examples below it, and the other way round.
    above = (ranks[: len(high)] - rankdata(high)) / len(low)
    below = 1 - (ranks[len(high) :] - rankdata(low)) / len(high)
    parts = [
        np.var(part, ddof=1) / len(part) for part in (above, below) if len(part) > 1
    ]
    return float(above.mean()), float(np.sqrt(sum(parts)))


def offers(trained: Trained) -> tuple[set[str], dict[str, str]]:
    """What a model's scores are made by, of `reconstruct`, `measure`, `realness` and `codes`: what it can,
    and what its family can and its networks cannot, with what they say."""
    looks: dict[str, Callable[[], Any]] = {
        method: partial(shapes_of, trained.experiment, trained.data, method)
        for method in ("reconstruct", "measure", "realness")
        if trained.has(method)
    }
    if any(map(trained.has, METHODS)):
        looks["codes"] = partial(check_encoding, trained)
    told = {}
    for name, look in looks.items():
        try:
            look()
        except InputError as error:
            told[name] = str(error)
    return looks.keys() - told.keys(), told


def in_order(measured: Mapping[str, Any]) -> list[str]:
    """Which of MEASURED a family measures, the same order whatever it does."""
    return [name for name in MEASURED if name in measured]


def _scores(
    trained: Trained,
    offered: set[str],
    train: dict,
    batch: dict,
    k: int,
    components: int,
) -> Iterator[tuple[str, np.ndarray]]:
    """Every score of the examples by name: [N] each."""
    x = batch["x"]
    if "reconstruct" in offered:
        yield "reconstruction", _squared(x - in_chunks(trained, "reconstruct", x))
    if "measure" in offered:
        measured = _measured(trained, batch)
        for name in in_order(measured):
            yield MEASURED[name], measured[name]
    if "realness" in offered:
        yield "discriminator", -in_chunks(trained, "realness", x)
    if "codes" in offered:
        own = [encoded(trained, part, layers=False)["codes"] for part in (train, batch)]
        yield "codes", _distance(*own, k)
        fresh = untrained(trained, train, batch, layers=False)
        yield "untrained", _distance(*(part["codes"] for part in fresh), k)
    raw = [part["x"].reshape(len(part["x"]), -1) for part in (train, batch)]
    yield "raw", _distance(*raw, k)
    yield "pca", _by_components(*raw, components)


def _measured(trained: Trained, batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What the family measures of examples, [N] each, with a key for each chunk of them."""

    def measure(experiment, params, extra, part, root, step):
        return experiment.measure(params, extra, Draw(part, root, step))

    compiled = trained.compile("outliers", measure)
    parts = []
    for start in range(0, len(batch["x"]), CHUNK):
        part = {name: leaf[start : start + CHUNK] for name, leaf in batch.items()}
        root = rng.stream(trained.seed, "outliers", start // CHUNK)
        step = np.int32(trained.step)
        found = compiled(trained.params, trained.extra, part, root, step)
        parts.append({n: np.asarray(v) for n, v in found.items() if n in MEASURED})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _distance(train: np.ndarray, test: np.ndarray, k: int) -> np.ndarray:
    from sklearn.neighbors import NearestNeighbors

    found = NearestNeighbors(n_neighbors=min(k, len(train))).fit(train)
    return found.kneighbors(test)[0].mean(axis=1)


def _by_components(train: np.ndarray, test: np.ndarray, count: int) -> np.ndarray:
    from sklearn.decomposition import PCA

    train, test = train.astype(np.float64), test.astype(np.float64)
    pca = PCA(min(count, *train.shape), random_state=0).fit(train)
    return _squared(test - pca.inverse_transform(pca.transform(test)))


def _squared(gap: np.ndarray) -> np.ndarray:
    return np.sum(np.square(gap.reshape(len(gap), -1), dtype=np.float64), axis=1)


def _check(experiment: Experiment, data: Dataset, **knobs: Any) -> None:
    del knobs
    refuse_all_seen("outliers", data)
    if any(network.takes_label for network in experiment.networks.values()):
        raise InputError(
            "metric 'outliers' scores examples whose class the model is not told, and a network of"
            " this one takes it"
        )


outliers.check = _check
