"""Batches for the training loop: indices or arrays from the host, examples on the device."""

import math
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import jax
import numpy as np

from genlab.blame import blaming
from genlab.data import schedule
from genlab.data.dataset import Dataset
from genlab.data.limits import check_size
from genlab.data.prepare import Preparation
from genlab.data.split import Split
from genlab.errors import InputError, suggest

Array = jax.Array
Piece = dict[str, Any]

BACKENDS = ("auto", "resident", "memory", "grain")
RESIDENT_LIMIT = 2**30  # bytes of raw examples that are put on the device unasked


class Feed:
    """Serves the train split of a data set in chunks of rounds.

    One round consumes `draws` batches; draw d of round s starts at position
    (s * draws + d) * batch_size of the endless pass over the data (see `schedule`).

    Attributes:
      backend: `resident` (raw examples on the device, indices from the host), `memory` (gathered
        from arrays on the host) or `grain` (read and decoded from records on the host); the last
        two gather the next chunk in a thread while this one trains.
      resident: pytree to put on the device, replicated; empty unless the backend is `resident`.

    Args:
      dataset: its train split is served.
      preparation: applied on the device.
      seed: of the order of the examples.
      batch_size: examples in one draw, over all devices.
      draws: batches that one round consumes.
      backend: `auto` takes `resident` up to RESIDENT_LIMIT bytes of raw examples, above it `memory`
        for arrays and `grain` for records.

    Raises:
      InputError: an unknown backend, one that the split cannot serve, or a count below 1.
    """

    def __init__(
        self,
        dataset: Dataset,
        preparation: Preparation,
        *,
        seed: int,
        batch_size: int,
        draws: int,
        backend: str = "auto",
    ):
        if batch_size < 1 or draws < 1:
            raise InputError(
                f"batch_size {batch_size} and draws {draws} must both be 1 or more"
            )
        split = dataset.splits["train"]
        each = math.prod(dataset.example_shape) + math.prod(dataset.target_shape)
        check_size(
            f"a round of {draws} x {batch_size} examples", draws * batch_size * each
        )
        self.backend = _choose(split, backend)
        with blaming(f"data set {dataset.name!r} fails"):
            self._split = split if self.backend == "grain" else split.load()
        self.resident: dict[str, Any] = {}
        if self.backend == "resident":
            self.resident = self._split.resident()
        self.dataset = dataset
        self.preparation = preparation
        self.seed = seed
        self.batch_size = batch_size
        self.draws = draws
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="genlab-feed")
        self._ahead: tuple[tuple, Future] | None = None

    def chunk(
        self, step: int, rounds: int, rows: tuple[int, ...] | None = None
    ) -> Piece:
        """What rounds [step, step + rounds) need from the host.

        Args:
          step: the first round.
          rounds: how many.
          rows: which examples of every batch, where other processes of the run read the rest; None
            for all.

        Returns:
          Leaves `[rounds, draws, batch_size, ...]`: `index` int32, and unless the backend is
          `resident` the raw examples as well.
        """
        if self.backend == "resident":
            return self._gather(step, rounds, rows)
        wanted, ahead = (step, rounds, rows), self._ahead
        piece = (
            ahead[1].result()
            if ahead and ahead[0] == wanted
            else self._gather(step, rounds, rows)
        )
        following = (step + rounds, rounds, rows)
        self._ahead = (following, self._thread.submit(self._gather, *following))
        return piece

    def prepare(self, resident: Mapping[str, Array], piece: Piece, key: Array) -> dict:
        """The training batch of one draw; traceable, and pure in its arguments.

        Args:
          resident: `self.resident` as it lies on the device.
          piece: one draw of a chunk, leaves `[B, ...]`: the batch or one device's share of it.
          key: the draw's key.

        Returns:
          What `Preparation` returns, with `index: [B]` int32.
        """
        if self.backend == "resident":
            piece = {**piece, **self._split.lookup(resident, piece["index"])}
        return self.preparation(piece, key, True)

    def _gather(self, step: int, rounds: int, rows: tuple[int, ...] | None) -> Piece:
        per_round = self.draws * self.batch_size
        index = schedule.indices_from(
            self.seed, step * per_round, rounds * per_round, self._split.size
        ).reshape(rounds, self.draws, self.batch_size)
        if rows is not None:
            index = index[:, :, list(rows)]
        piece = {"index": index.astype(np.int32)}
        if self.backend == "resident":
            return piece
        with blaming(f"data set {self.dataset.name!r} fails"):
            return piece | self._split.gather(index)


def batches(
    split: Split, batch_size: int, only: Iterable[int] | None = None
) -> Iterator[tuple[dict[str, np.ndarray], np.ndarray]]:
    """Every example of `split` once, in order, or `only` the batches with these indices.

    Yields:
      raw: leaves `[batch_size, ...]` with `index: [batch_size]` int32; the last batch is filled up
        with copies of the last example.
      mask: `[batch_size]` bool, false for the copies.

    Raises:
      InputError: `batch_size` is below 1.
    """
    if batch_size < 1:
        raise InputError(f"batch_size {batch_size} must be 1 or more")
    if split.nbytes <= RESIDENT_LIMIT:
        split = split.load()
    chosen = range(-(-split.size // batch_size)) if only is None else only
    for first in (index * batch_size for index in chosen):
        position = np.arange(first, first + batch_size)
        index = np.minimum(position, split.size - 1)
        raw = split.gather(index)
        yield {**raw, "index": index.astype(np.int32)}, position < split.size


def _choose(split: Split, backend: str) -> str:
    """The backend for `split`, checked against what it can serve."""
    if backend not in BACKENDS:
        raise InputError(f"unknown backend {backend!r}{suggest(backend, BACKENDS)}")
    lazy = split.resident() is None
    if backend == "grain" and not lazy:
        raise InputError(
            "backend 'grain' reads records; this split is held in arrays or computed:"
            " use 'auto', 'resident' or 'memory'"
        )
    if backend != "auto":
        return backend
    if split.nbytes <= RESIDENT_LIMIT:
        return "resident"
    return "grain" if lazy else "memory"
