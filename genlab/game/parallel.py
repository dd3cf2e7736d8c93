"""Devices: the mesh, and what a loss or a layer does across the whole batch.

Under `jax.jit` with shardings the batch that a function sees is the global one, and a mean is a
mean. Under `jax.pmap` each device sees its share. The functions here are the same in both: a layer
that looks across the batch calls them and does not know how it is compiled.
"""

import contextlib
import contextvars
import os
from collections.abc import Callable, Iterator, Sequence

import jax
import jax.numpy as jnp
from jax import lax
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from genlab.errors import InputError, suggest

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
    """The devices that JAX finds.

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
      InputError: there are not so many.
    """
    devices = all_devices()
    if not 0 <= count <= len(devices):
        raise InputError(
            f"devices={count}, but this machine has {len(devices)}; 0 takes all of them"
        )
    return devices[: count or len(devices)]


class Program:
    """Many rounds, compiled for one or more devices.

    Called as `program(state, resident, chunk, seed) -> (state, metrics)`. State and resident data
    are replicated, the third axis of every leaf of `chunk`, `[rounds, draws, B, ...]`, is split
    over the devices.

    Args:
      rounds: the function of these arguments.
      devices: where to run.
      how: `jit` (one program with shardings, the state donated) or `pmap` (one per device).
      batch_size: B, over all devices.

    Raises:
      InputError: an unknown way, or a batch that the devices cannot share evenly.
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
        mesh = _mesh(devices)
        self._whole = NamedSharding(mesh, PartitionSpec())
        self._run = _WAYS[how](rounds, mesh)

    def place(self, tree):
        """The tree on every device, as the program takes state and resident data."""
        return jax.device_put(tree, self._whole)

    def __call__(self, state, resident, chunk, seed):
        return self._run(state, resident, chunk, seed)


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
        mesh = _mesh(devices)
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


def _mesh(devices: Sequence[jax.Device]) -> jax.sharding.Mesh:
    return jax.make_mesh(
        (len(devices),), (BATCH,), axis_types=(AxisType.Auto,), devices=devices
    )


def _with_shardings(rounds: Callable, mesh: jax.sharding.Mesh) -> Callable:
    whole = NamedSharding(mesh, PartitionSpec())
    split = NamedSharding(mesh, PartitionSpec(None, None, BATCH))
    return jax.jit(
        rounds,
        in_shardings=(whole, whole, split, whole),
        out_shardings=(whole, whole),
        donate_argnums=0,
    )


def _per_device(rounds: Callable, mesh: jax.sharding.Mesh) -> Callable:
    def on_one_device(state, resident, chunk, seed):
        with mapped():
            return rounds(state, resident, chunk, seed)

    devices = list(mesh.devices)
    program = jax.pmap(
        on_one_device,
        axis_name=BATCH,
        in_axes=(None, None, 2, None),
        out_axes=None,
        devices=devices,
    )

    def share(leaf):
        shape = (*leaf.shape[:2], len(devices), -1, *leaf.shape[3:])
        return leaf.reshape(shape)

    def run(state, resident, chunk, seed):
        return program(state, resident, jax.tree.map(share, chunk), seed)

    return run


_WAYS = {"jit": _with_shardings, "pmap": _per_device}
