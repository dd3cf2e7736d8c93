"""Devices: the mesh, and what a loss or a layer does across the whole batch.

Under `jax.jit` with shardings the batch that a function sees is the global one, and a mean is a
mean. Under `jax.pmap` each device sees its share. The functions here are the same in both: a layer
that looks across the batch calls them and does not know how it is compiled.

The devices may be those of several processes. Each of them then calls the same programs in the same
order, feeds its own devices their share of the batch, and sees the same metrics.
"""

import contextlib
import contextvars
import os
from collections.abc import Callable, Iterator, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from genlab.errors import InputError

Array = jax.Array

BATCH = "batch"  # the mesh axis, and the pmap axis, along which examples are split

_mapped = contextvars.ContextVar("mapped", default=False)


@contextlib.contextmanager
def mapped() -> Iterator[None]:
    """While tracing inside: the batch is split along the mapped axis `BATCH`."""
    token = _mapped.set(True)
    try:
        yield
    finally:
        _mapped.reset(token)


def mean_over_devices(tree):
    """The mean over the mapped axis of every leaf; the tree itself where nothing is mapped."""
    return lax.pmean(tree, BATCH) if _mapped.get() else tree


def gather_batch(x: Array) -> Array:
    """The global batch: `x: [B_local, ...]` of every device, in order, as `[B, ...]`."""
    return lax.all_gather(x, BATCH, axis=0, tiled=True) if _mapped.get() else x


def need_several(examples: int, what: str) -> None:
    """Raises InputError where `what` compares the examples of a batch and there is one alone."""
    if examples < 2:
        raise InputError(
            f"{what} compares examples of a batch; take a train.batch_size of 2 or more"
        )


def local_share(x: Array) -> Array:
    """This device's examples of a global `x: [B, ...]`; the inverse of `gather_batch`."""
    if not _mapped.get():
        return x
    size = x.shape[0] // lax.axis_size(BATCH)
    return lax.dynamic_slice_in_dim(x, lax.axis_index(BATCH) * size, size)


def example_indices(count: int) -> Array:
    """Global index in the batch of each of this device's `count` examples: `[count]` int32."""
    first = lax.axis_index(BATCH) * count if _mapped.get() else 0
    return first + jnp.arange(count, dtype=jnp.int32)


def all_devices() -> list[jax.Device]:
    """The devices that JAX finds, of all processes.

    Raises:
      InputError: JAX_PLATFORMS asks for a backend that is not there.
    """
    try:
        return jax.devices()
    except (
        RuntimeError,
        AssertionError,
    ) as error:  # the latter without a plugin for it
        asked = os.environ.get("JAX_PLATFORMS", "")
        reason = str(error).partition("\n")[0] or "no such backend here"
        raise InputError(
            f"JAX cannot use JAX_PLATFORMS={asked!r} ({reason}); JAX_PLATFORMS=cpu is always there"
        ) from error


def choose_devices(count: int) -> list[jax.Device]:
    """The first `count` devices, all of them for 0.

    Raises:
      InputError: there are not so many, or of several processes not all are taken.
    """
    devices, processes = all_devices(), jax.process_count()
    if processes > 1 and count not in (0, len(devices)):
        raise InputError(
            f"devices={count}, but {processes} processes share {len(devices)}; 0 takes all of them,"
            " and JAX_LOCAL_DEVICE_IDS chooses those of a process"
        )
    if not 0 <= count <= len(devices):
        raise InputError(
            f"devices={count}, but this machine has {len(devices)}; 0 takes all of them"
        )
    return devices[: count or len(devices)]


def own_devices(count: int) -> list[jax.Device]:
    """Those of `choose_devices` that are this process's."""
    mine = jax.process_index()
    return [d for d in choose_devices(count) if d.process_index == mine]


class Ballot:
    """Whether any of several processes wants something, in all of them after the same call.

    The votes are counted by a program of their own, which is read when the next ones are cast, so
    that nothing waits for it.
    """

    def __init__(self):
        self._alone = jax.process_count() == 1
        if self._alone:
            return
        mesh = mesh_of(all_devices())
        self._split = NamedSharding(mesh, PartitionSpec(BATCH))
        self._count = jax.jit(
            jnp.any, out_shardings=NamedSharding(mesh, PartitionSpec())
        )
        self._cast: Array | None = None

    def any(self, vote: bool) -> bool:
        """Casts this process's vote, and says whether any vote of the time before was a yes; of a
        process alone, its vote."""
        if self._alone:
            return vote
        before = self._cast
        votes = np.full(self._split.mesh.size, vote)
        each = jax.make_array_from_callback(
            votes.shape, self._split, lambda index: votes[index]
        )
        self._cast = self._count(each)
        return before is not None and bool(before)


class OverExamples:
    """A function of examples, each by itself, compiled for one or more devices.

    Called as `over(whole, examples)`. The first axis of every leaf of `examples` is split over the
    devices, and so is that of what is returned. Each device runs the program of its share alone, so
    what is found of an example does not depend on how many others there are.

    Args:
      function: of these arguments.
      devices: where to run; their number divides that of the examples.

    Attributes:
      devices: as given.
      program: the jitted function.
    """

    def __init__(self, function: Callable, devices: Sequence[jax.Device]):
        mesh = mesh_of(devices)
        whole, split = PartitionSpec(), PartitionSpec(BATCH)
        self.devices = tuple(devices)
        self._whole = NamedSharding(mesh, whole)
        self.program = jax.jit(
            jax.shard_map(
                function,
                mesh=mesh,
                in_specs=(whole, split),
                out_specs=split,
                check_vma=False,
            )
        )

    def place(self, tree):
        """The tree on every device, as the function takes its first argument."""
        return jax.device_put(tree, self._whole)

    def __call__(self, whole, examples):
        return self.program(whole, examples)


def mesh_of(devices: Sequence[jax.Device]) -> jax.sharding.Mesh:
    """The devices along the one axis `BATCH`."""
    return jax.make_mesh(
        (len(devices),), (BATCH,), axis_types=(AxisType.Auto,), devices=devices
    )
