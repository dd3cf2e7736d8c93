"""How the processes of a run find each other: flags, and what schedulers say."""

import pytest

from genlab.errors import InputError
from genlab.process.cluster import Cluster, found

# What `srun --nodes=2 --ntasks-per-node=2` sets in its last task, and `mpirun -np 2` in its second.
SLURM = {
    "SLURM_JOB_ID": "4097",
    "SLURM_STEP_NODELIST": "node[003,007]",
    "SLURM_NTASKS": "4",
    "SLURM_PROCID": "3",
    "SLURM_LOCALID": "1",
}
OPEN_MPI = {
    "OMPI_MCA_orte_hnp_uri": "4096.0;tcp://10.96.0.1,10.148.0.1:34911",
    "OMPI_COMM_WORLD_SIZE": "2",
    "OMPI_COMM_WORLD_RANK": "1",
    "OMPI_COMM_WORLD_LOCAL_RANK": "1",
}


@pytest.fixture(autouse=True)
def no_scheduler(monkeypatch):
    for name in (*SLURM, *OPEN_MPI, "JAX_COORDINATOR_PORT"):
        monkeypatch.delenv(name, raising=False)


def started_by(monkeypatch, scheduler):
    for name, value in scheduler.items():
        monkeypatch.setenv(name, value)


def test_flags_say_where_a_process_stands():
    assert found("10.0.0.1:1234", 2, 0) == Cluster("10.0.0.1:1234", 2, 0)


def test_a_process_without_flags_or_scheduler_is_alone():
    assert found(None, None, None) is None
    assert found(None, 1, None) is None


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ((None, 2, None), "say together where"),
        (("a:1", None, 1), "say together where"),
        (("a:1", 2, 2), "--process-id=2 is none of 2 processes"),
        (("a", 2, 1), "not HOST:PORT"),
        (("a:b", 2, 1), "not HOST:PORT"),
    ],
)
def test_flags_that_do_not_fit_are_refused(flags, told):
    with pytest.raises(InputError, match=told):
        found(*flags)


def test_slurm_gives_each_task_a_device_of_its_node(monkeypatch):
    started_by(monkeypatch, SLURM)
    cluster = found(None, None, None)
    assert (cluster.count, cluster.index, cluster.devices) == (4, 3, [1])
    assert cluster.address == f"node003:{65535 - 2**12 + 1 + 1}"
    monkeypatch.setenv("JAX_COORDINATOR_PORT", "1234")
    assert found(None, None, None).address == "node003:1234"
    assert found(None, 1, None) is None  # whatever the scheduler says


def test_a_job_of_one_task_is_alone(monkeypatch):
    started_by(monkeypatch, {**SLURM, "SLURM_NTASKS": "1", "SLURM_PROCID": "0"})
    assert found(None, None, None) is None


def test_open_mpi_is_detected(monkeypatch):
    started_by(monkeypatch, OPEN_MPI)
    cluster = found(None, None, None)
    assert (cluster.count, cluster.index, cluster.devices) == (2, 1, [1])
    assert cluster.address.startswith("10.96.0.1:")


def test_a_scheduler_that_says_nothing_usable_is_told_of(monkeypatch):
    started_by(monkeypatch, {**SLURM, "SLURM_NTASKS": "many"})
    with pytest.raises(InputError, match="--num-processes=1 trains in this process"):
        found(None, None, None)
