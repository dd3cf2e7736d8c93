"""All probes of trained runs, beside what needs no training: raw examples, PCA, an untrained encoder."""

import contextlib
import functools
import hashlib
import os
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from genlab.errors import InputError, suggest
from genlab.metrics.representation import Representations
from genlab.probing.plan import Plan
from genlab.probing.probe import (
    LABELS,
    TUNED,
    Score,
    classified,
    clustered,
    gain,
    tuned_anew,
    with_few_labels,
)
from genlab.process import display
from genlab.trained.encoding import (
    check_encoding,
    drawn_anew,
    encoded,
    untrained,
)
from genlab.trained.trained import Trained

BASELINES = ("untrained", "raw", "pca")


@dataclass(frozen=True)
class Row:
    """One number of the table.

    Attributes:
      run: what the run is called.
      features: `codes`, `untrained`, `raw`, `pca`, `layer I`, `untrained layer I`.
      width: how many features an example has.
      probe: `linear`, `knn_200`, `labels_100`, `nmi`, ...
      value: in [0, 1].
      low, high: 95 % interval, None where it is not known.
      chosen: the regularisation that was chosen.
      beats: of codes, the baselines over which the gain's interval leaves out 0.
      scaling, notes: as of a `Score`.
    """

    run: str
    features: str
    width: int
    probe: str
    value: float
    low: float | None
    high: float | None
    chosen: float | None = None
    beats: tuple[str, ...] = ()
    scaling: str = ""
    notes: tuple[str, ...] = ()


class Suite:
    """Probes run after run; what no run changes, raw examples and PCA, is probed once for all."""

    def __init__(self, plan: Plan):
        self.plan = plan
        self._known: dict[tuple, dict[str, Score]] = {}
        self._measured: dict[str, dict[str, Any]] = {}

    def check(self, trained: Trained) -> None:
        """Raises InputError where a run cannot be probed, before anything is computed."""
        data = trained.data
        if data.num_classes < 2:
            raise InputError(
                f"probes need labels of two classes or more, and {data.name!r} has"
                f" {data.num_classes or 'none'}"
            )
        if self.plan.split not in data.splits or not data.splits[self.plan.split].size:
            filled = [name for name, part in data.splits.items() if part.size]
            raise InputError(
                f"--split={self.plan.split} is no split with examples"
                f"{suggest(self.plan.split, filled)}"
            )
        check_encoding(trained)
        self._counts(trained)

    def _counts(self, trained: Trained) -> list[int]:
        """The counts of the few-label curve."""
        size, classes = trained.data.splits["train"].size, trained.data.num_classes
        there = min(self.plan.num_train, size)
        if self.plan.labels is None:
            return [count for count in LABELS if classes <= count <= there // 2]
        for count in self.plan.labels:
            if not classes <= count <= there // 2:
                raise InputError(
                    f"--labels={count} is not between the {classes} classes and half of the {there}"
                    f" training examples that are taken of {trained.data.name!r}: draws of more are"
                    " mostly the same examples"
                )
        return list(self.plan.labels)

    def rows(self, run: str, trained: Trained) -> list[Row]:
        """Every number of one run.

        Raises:
          InputError: as `check`, or training examples of a single class.
        """
        self.check(trained)
        with display.doing(f"encoding the examples of {run}"):
            seen, digest = self._examples(trained)
        counts = self._counts(trained)
        names = list(seen.train)
        jobs = [(name, probe) for name in names for probe in _probes(self.plan, name)]
        if not jobs:
            raise InputError(
                f"the encoder of {run} has no layer with a kernel below its code, which"
                " --probes=layers is of; ask for others too"
            )
        self._measured[run] = {
            "data": trained.data.name,
            "seed": trained.seed,
            "fitted_on": len(seen.train_label),
            "tested_on": len(seen.test_label),
        }
        keys = {
            (name, probe): (
                probe,
                tuple(counts),
                digest,
                name,
                seen.train[name].shape[1],
            )
            if name in ("raw", "pca")
            else (probe, run, name)
            for name, probe in jobs
        }
        asked = {key: job for job, key in keys.items() if key not in self._known}
        ask = functools.partial(_asked, trained, seen=seen, counts=counts)
        with display.doing(f"probing {run}"), _many_threads() as pool:
            found = pool.map(lambda job: ask(*job), asked.values())
            self._known |= dict(zip(asked, found, strict=True))
        scores = {
            (name, value): score
            for (name, probe), key in keys.items()
            for value, score in self._known[key].items()
        }
        return [
            _row(run, name, seen.train[name].shape[1], value, scores)
            for name, value in scores
        ]

    def record(self, run: str, rows: Sequence[Row], step: int) -> dict[str, Any]:
        """The table of one run as `probe.json` holds it.

        Args:
          run: as `rows` called it.
          rows: its numbers.
          step: rounds of the state that was probed.
        """
        noted: dict[str, list[str]] = {"chosen at an end": [], "not converged": []}
        for row in rows:
            for note in row.notes:
                noted[note].append(f"{row.probe} of {row.features}")
        told = {key.replace(" ", "_"): found for key, found in noted.items()}
        protocol = {**self._measured[run], **self.plan.protocol, **told}
        return {"step": step, "protocol": protocol, "rows": [asdict(r) for r in rows]}

    def _examples(self, trained: Trained) -> tuple[Representations, str]:
        """The examples by all features, and a digest of the examples themselves."""
        from sklearn.decomposition import PCA

        plan, layers = self.plan, "layers" in self.plan.probes
        train = trained.examples("train", plan.num_train)
        test = trained.examples(plan.split, plan.num_test)
        if len(np.unique(train["label"])) < 2:
            raise InputError(
                f"the {len(train['label'])} training examples are of one class; take more with"
                " --num-train"
            )
        known = np.isin(test["label"], train["label"])
        if not known.any():
            raise InputError(
                f"the {len(known)} examples of {plan.split!r} are of classes that the"
                f" {len(train['label'])} training examples do not have; take more with --num-train or"
                " --num-test"
            )
        test = {name: leaf[known] for name, leaf in test.items()}
        both = train, test
        parts = [encoded(trained, batch, layers=layers) for batch in both]
        fresh = untrained(trained, *both, layers=layers)
        raw = [batch["x"].reshape(len(batch["x"]), -1) for batch in both]
        width = min(parts[0]["codes"].shape[1], *raw[0].shape)
        pca = PCA(width, random_state=0).fit(raw[0].astype(np.float64))
        labels = [batch["label"] for batch in both]
        parts_of = map(np.ascontiguousarray, [*raw, *labels])
        digest = hashlib.sha256(b"".join(parts_of)).hexdigest()
        train, test = (
            {
                "codes": own["codes"],
                "untrained": drawn["codes"],
                "raw": plain,
                "pca": pca.transform(plain.astype(np.float64)),
                **{name: y for name, y in own.items() if name != "codes"},
                **{f"untrained {n}": y for n, y in drawn.items() if n != "codes"},
            }
            for own, drawn, plain in zip(parts, fresh, raw, strict=True)
        )
        return Representations(train, both[0]["label"], test, both[1]["label"]), digest


def _probes(plan: Plan, name: str) -> list[str]:
    """What is asked of one kind of features: of layers the linear probe alone; an encoder alone can be tuned."""
    if "layer" in name:
        return ["layers"]
    left = ("layers", TUNED) if name in ("raw", "pca") else ("layers",)
    return [probe for probe in plan.probes if probe not in left]


def _asked(
    trained: Trained,
    name: str,
    probe: str,
    *,
    seen: Representations,
    counts: Sequence[int],
) -> dict[str, Score]:
    seed = trained.seed
    if probe == TUNED:
        own = trained.params, trained.extra
        start = (
            own
            if name == "codes"
            else drawn_anew(trained, trained.examples("train", 2))
        )
        return tuned_anew(counts, trained, start, seen, seed)
    if probe == "few_labels":
        return with_few_labels(counts, seen, name, seed)
    if probe == "clusters":
        return clustered(seen, name, seed)
    return classified("linear" if probe == "layers" else probe, seen, name, seed)


def _row(
    run: str, name: str, width: int, probe: str, scores: dict[tuple[str, str], Score]
) -> Row:
    score = scores[name, probe]
    low, high = score.interval or (None, None)
    beats = []
    for other in BASELINES if name == "codes" else ():
        found = (other, probe) in scores and gain(score, scores[other, probe])
        if found and found[0] > 0:
            beats.append(other)
    return Row(
        *(run, name, width, probe, score.value, low, high),
        chosen=None if score.chosen is None else float(score.chosen),
        beats=tuple(beats),
        scaling=score.scaling,
        notes=score.notes,
    )


@contextlib.contextmanager
def _many_threads() -> Iterator[ThreadPoolExecutor]:
    """A thread for each core, inside which the products of matrices stay in theirs.

    Every fit silences the warning that it did not converge by filters that all threads share; set out
    here too, they are the same whichever thread puts them back last.
    """
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    with warnings.catch_warnings(), threadpool_limits(limits=1):
        warnings.simplefilter("ignore", ConvergenceWarning)
        with ThreadPoolExecutor(cores) as pool:
            yield pool
