"""The program of many rounds, over devices of one process or of several.

Several processes call it in the same order; each feeds its own devices their share of a batch, and sees
the same metrics. Where the state lies is a matter of the program: what comes of it whole is asked by
`Program.own`.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import NamedSharding, PartitionSpec

from genlab.errors import InputError, suggest
from genlab.game.parallel import BATCH, mapped, mesh_of

Array = jax.Array
SMALL = 2**12  # numbers in an array that `fsdp` does not split
Rows = tuple[int, ...] | None  # of a batch; None for all


class Program:
    """Many rounds, compiled for one or more devices.

    Called as `program(state, resident, chunk, seed) -> (state, metrics)`. The third axis of every leaf
    of `chunk`, `[rounds, draws, B, ...]`, is split over the devices; resident data are replicated.

    Attributes:
      rows: which examples of a batch this process gives in a chunk; None for all, where it is alone.

    Args:
      rounds: the function of these arguments.
      devices: where to run.
      how: `jit` (one program with shardings, the state replicated and donated), `fsdp` (the same, with
        the large arrays of the state split over the devices) or `pmap` (one program per device).
      batch_size: B, over all devices.

    Raises:
      InputError: an unknown way, a batch that the devices cannot share evenly, or processes that do
        not have as many devices each.
    """

    def __init__(
        self, rounds: Callable, devices: Sequence[jax.Device], how: str, batch_size: int
    ):
        if batch_size % len(devices):
            raise InputError(
                f"train.batch_size={batch_size} cannot be shared by {len(devices)} devices;"
                f" take a multiple of {len(devices)}"
            )
        if how not in _WAYS:
            raise InputError(f"parallel={how!r} is unknown{suggest(how, _WAYS)}")
        mesh = mesh_of(devices)
        self._several = _are_of_several(devices)
        self.rows = _rows(mesh, batch_size) if self._several else None
        self._way = _WAYS[how](rounds, mesh, self.rows, batch_size)

    def place(self, tree):
        """The tree on every device, as the program takes resident data; every process has the same."""
        return self._placed(tree, lambda leaf: self._way.whole)

    def place_state(self, shapes, make: Callable[[], Any]):
        """The state that the first process makes, as the program takes it, in all of them.

        Args:
          shapes: of its leaves, the same in all processes.
          make: called in the first process alone.
        """
        state = tree_from_first(shapes, make) if self._several else make()
        return self._placed(state, self._way.held)

    def own(self, tree):
        """A state of the program whole, as arrays that this process computes with alone; all of them
        ask for it."""
        tree = self._way.gathered(tree)
        if not self._several:
            return tree
        return jax.tree.map(lambda leaf: leaf.addressable_data(0), tree)

    def __call__(self, state, resident, chunk, seed):
        return self._way(state, resident, chunk, seed)

    def _placed(self, tree, sharding: Callable[[Any], NamedSharding]):
        if not self._several:
            return jax.device_put(tree, jax.tree.map(sharding, tree))
        return jax.tree.map(lambda leaf: _put(np.asarray(leaf), sharding(leaf)), tree)


def _are_of_several(devices: Sequence[jax.Device]) -> bool:
    """Whether the devices are those of several processes, which have to have as many each."""
    owners = [device.process_index for device in devices]
    counts = {owners.count(owner) for owner in owners}
    if len(counts) > 1:
        raise InputError(
            f"processes with {' and '.join(map(str, sorted(counts)))} devices cannot share a batch;"
            " give each as many, for example by JAX_LOCAL_DEVICE_IDS"
        )
    return len({*owners}) > 1


def _rows(mesh: jax.sharding.Mesh, batch_size: int) -> Rows:
    """Which examples of a batch, in order, the devices of this process hold."""
    shares = np.arange(batch_size).reshape(mesh.size, -1)
    mine = [device.process_index == jax.process_index() for device in mesh.devices]
    return tuple(shares[mine].reshape(-1).tolist())


def _put(leaf: np.ndarray, sharding: NamedSharding) -> Array:
    return jax.make_array_from_callback(leaf.shape, sharding, lambda index: leaf[index])


def tree_from_first(shapes, make: Callable[[], Any]):
    """The tree that the first process makes, in all of them bit for bit, as NumPy arrays."""
    first = jax.process_index() == 0
    tree = jax.device_get(make()) if first else _zeros(shapes)
    # As whole numbers, since the others add 0 to it: a float would lose the sign of its zeros.
    bits = jax.tree.map(lambda leaf: leaf.view(f"u{leaf.itemsize}"), tree)
    bits = multihost_utils.broadcast_one_to_all(bits)
    return jax.tree.map(lambda leaf, own: leaf.view(own.dtype), bits, tree)


def _zeros(shapes):
    return jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shapes)


class _OneProgram:
    """One program for all devices, the state replicated or its large arrays split over them.

    Of those that are split each lies along its longest axis that the devices divide; the compiler
    gathers what a layer needs where it needs it, and each device updates its share (Rajbhandari et
    al. 2020, ZeRO, stage 3).
    """

    def __init__(
        self,
        rounds: Callable,
        mesh: jax.sharding.Mesh,
        rows: Rows,
        batch_size: int,
        *,
        splits_state: bool = False,
    ):
        self._rounds, self._rows, self._size = rounds, rows, batch_size
        self._splits_state = splits_state
        self.whole = NamedSharding(mesh, PartitionSpec())
        self._split = NamedSharding(mesh, PartitionSpec(None, None, BATCH))
        self._program: Callable | None = None

    def held(self, leaf) -> NamedSharding:
        """Where an array of the state lies."""
        count = self.whole.mesh.size
        axes = [axis for axis, size in enumerate(leaf.shape) if size % count == 0]
        if not self._splits_state or leaf.size < SMALL or not axes:
            return self.whole
        axis = max(axes, key=lambda axis: leaf.shape[axis])
        return NamedSharding(self.whole.mesh, PartitionSpec(*axis * (None,), BATCH))

    def gathered(self, state):
        """The state, replicated."""
        if not self._splits_state:
            return state
        return jax.jit(lambda state: state, out_shardings=self.whole)(state)

    def __call__(self, state, resident, chunk, seed):
        if self._program is None:
            held = jax.tree.map(self.held, state)
            self._program = jax.jit(
                self._rounds,
                in_shardings=(held, self.whole, self._split, self.whole),
                out_shardings=(held, self.whole),
                donate_argnums=0,
            )
        if self._rows is not None:
            chunk = jax.tree.map(self._shared, chunk)
        return self._program(state, resident, chunk, seed)

    def _shared(self, leaf: np.ndarray) -> Array:
        """The batches of all processes, of which this one has some rows."""
        shape = (*leaf.shape[:2], self._size, *leaf.shape[3:])

        def of_device(index):
            ends = (index[2].start, index[2].stop)
            first, last = np.searchsorted(self._rows, ends)
            return leaf[:, :, first:last]

        return jax.make_array_from_callback(shape, self._split, of_device)


class _PerDevice:
    """One program per device."""

    def __init__(
        self, rounds: Callable, mesh: jax.sharding.Mesh, rows: Rows, batch_size: int
    ):
        def on_one_device(state, resident, chunk, seed):
            with mapped():
                return rounds(state, resident, chunk, seed)

        mine = [d for d in mesh.devices if d.process_index == jax.process_index()]
        self._count = len(mine)
        self.whole = NamedSharding(mesh_of(mine), PartitionSpec())
        self._program = jax.pmap(
            on_one_device,
            axis_name=BATCH,
            in_axes=(None, None, 2, None),
            out_axes=None,
            devices=list(mesh.devices),
        )

    def held(self, leaf) -> NamedSharding:
        """Where an array of the state lies."""
        return self.whole

    def gathered(self, state):
        """The state, replicated."""
        return state

    def __call__(self, state, resident, chunk, seed):
        return self._program(state, resident, jax.tree.map(self._shared, chunk), seed)

    def _shared(self, leaf: np.ndarray) -> np.ndarray:
        shape = (*leaf.shape[:2], self._count, -1, *leaf.shape[3:])
        return leaf.reshape(shape)


_WAYS = {
    "jit": _OneProgram,
    "fsdp": functools.partial(_OneProgram, splits_state=True),
    "pmap": _PerDevice,
}
