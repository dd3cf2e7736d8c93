"""Devices: the ones that the user chose, and who gets which."""

import pytest

from genlab.sweep import devices


@pytest.mark.parametrize(
    ("workers", "expected"),
    [
        (None, [None]),
        (1, [None]),
        (2, ["4", "GPU-5e"]),
        (3, ["4", "GPU-5e", "4"]),
    ],
)
def test_processes_share_out_the_gpus_that_the_user_chose(
    workers, expected, monkeypatch
):
    """None: sees what the user chose."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4, GPU-5e")
    monkeypatch.delenv("XLA_PYTHON_CLIENT_MEM_FRACTION", raising=False)
    seen = devices.environments(workers, devices.count_gpus())
    assert [one.get("CUDA_VISIBLE_DEVICES") for one in seen] == expected
    shared = ["0.450"] * 3 if workers == 3 else [None] * len(expected)
    assert [one.get("XLA_PYTHON_CLIENT_MEM_FRACTION") for one in seen] == shared


def test_a_user_who_hides_all_gpus_shares_none(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert devices.environments(2, devices.count_gpus()) == [{}, {}]
