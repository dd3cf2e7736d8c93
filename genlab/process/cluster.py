"""How the processes of one run find each other: by flags, or as a scheduler says."""

import contextlib
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from genlab.errors import EXIT_LOST, InputError, is_of_devices, is_out_of_memory
from genlab.process import coordinator, display, peers

# Schedulers by the names that JAX has for what it detects, and how a task becomes a process there.
_DETECTED = ("slurm", "ompi", "gcetpu", "gketpu")
# Seconds in which all have to have come; machines of a cluster do not start at the same time.
JOIN_WITHIN = 300
_ALONE = "--num-processes=1 trains in this process alone"


@dataclass(frozen=True)
class Cluster:
    """The place of this process among those of a run.

    Attributes:
      address: HOST:PORT at which the first one is reached by all.
      count: how many there are, 2 or more.
      index: which of them this is, from 0.
      devices: of this machine that the process uses, by number; None for all.
    """

    address: str
    count: int
    index: int
    devices: list[int] | None = None


def found(address: str | None, count: int | None, index: int | None) -> Cluster | None:
    """The cluster that flags describe, or without any that Slurm, Open MPI or a cloud TPU says.

    Returns:
      None for a process alone.

    Raises:
      InputError: some of the flags and not the others, or numbers that do not fit.
    """
    if count == 1 and not index:
        return None
    given = (address, count, index)
    if given == (None, None, None):
        return _detected()
    if None in given:
        raise InputError(
            "--coordinator-address, --num-processes and --process-id say together where this process"
            " stands among several; under Slurm, Open MPI and on a cloud TPU none is needed"
        )
    if index >= count:
        raise InputError(
            f"--process-id={index} is none of {count} processes; they count from 0 to {count - 1}"
        )
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise InputError(
            f"--coordinator-address={address} is not HOST:PORT, such as 10.0.0.1:1234"
        )
    return Cluster(address, count, index)


@contextlib.contextmanager
def joined(cluster: Cluster | None) -> Iterator[None]:
    """Inside, JAX sees the devices of all processes, and each looks after the others.

    Comes before the first array. All but the first are silent but for warnings.

    Args:
      cluster: None for a process alone.

    Raises:
      InputError: nothing can listen at the address.
    """
    if cluster is None:
        yield
        return
    place = f"process {cluster.index} of {cluster.count} at {cluster.address}"
    with display.doing(f"waiting for all processes, as {place}"):
        _join(cluster)
    if cluster.index:
        logging.getLogger("genlab").setLevel(logging.WARNING)
    try:
        yield
    except Exception as error:
        if is_of_devices(error) and not is_out_of_memory(error):
            peers.await_verdict()
        raise


def _detected() -> Cluster | None:
    from jax._src.clusters import ClusterEnv  # there is no public name for it

    kinds = (kind for kind in ClusterEnv._cluster_types if kind.name in _DETECTED)
    try:
        kind = next((kind for kind in kinds if kind.is_env_present()), None)
        if kind is None or (count := kind.get_process_count()) == 1:
            return None
        port = os.environ.get("JAX_COORDINATOR_PORT")
        address = kind.get_coordinator_address(JOIN_WITHIN, port)
        local = kind.get_local_process_id()
        devices = None if local is None else [local]
        return Cluster(address, count, kind.get_process_id(), devices)
    except Exception as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise InputError(
            f"the other processes cannot be found by what the scheduler says ({reason});"
            f" --coordinator-address, --num-processes and --process-id say it, {_ALONE}"
        ) from error


def _join(cluster: Cluster) -> None:
    import jax

    # It would take SIGTERM for itself, which `signals` sees to.
    jax.config.update("jax_enable_preemption_service", False)
    service = _serve(cluster) if cluster.index == 0 else None
    late = threading.Timer(JOIN_WITHIN, _give_up, [cluster])
    late.daemon = True
    late.start()
    try:
        jax.distributed.initialize(
            cluster.address,
            cluster.count,
            cluster.index,
            None if os.environ.get("JAX_LOCAL_DEVICE_IDS") else cluster.devices,
            cluster_detection_method="deactivate",
            initialization_timeout=2
            * JOIN_WITHIN,  # when it would abort with a stack trace
            heartbeat_timeout_seconds=3600,  # `peers` looks sooner, and says it in a line
            # The service that JAX starts in the first process is left idle, see `coordinator`.
            coordinator_bind_address="localhost:0",
        )
    finally:
        late.cancel()
    peers.watch(service)


def _give_up(cluster: Cluster) -> None:
    told = (
        f"not all of {cluster.count} processes have come to {cluster.address} within {JOIN_WITHIN} s;"
        f" see what the others say, and whether that address can be reached from them; {_ALONE}"
    )
    peers.end(EXIT_LOST, told)


def _serve(cluster: Cluster) -> subprocess.Popen:
    """Starts the coordination service of all processes.

    Raises:
      InputError: the port is in use, for longer than by the service of an attempt that just died.
    """
    port = cluster.address.rpartition(":")[2]
    bind = os.environ.get("JAX_COORDINATOR_BIND_ADDRESS") or f"[::]:{port}"
    command = [sys.executable, "-P", coordinator.__file__, bind, str(cluster.count)]
    pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    deadline = time.monotonic() + coordinator.OUTLIVES + 5
    while True:
        service = subprocess.Popen(
            command, **pipes, stderr=subprocess.DEVNULL, start_new_session=True
        )
        if service.stdout.readline().strip() == coordinator.READY.encode():
            return service
        if time.monotonic() > deadline:
            raise InputError(
                f"nothing can listen at port {port}, where the processes were to meet; name a free"
                " one in --coordinator-address=HOST:PORT (JAX_COORDINATOR_PORT under a scheduler)"
            )
        time.sleep(1)
