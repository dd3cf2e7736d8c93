"""What is logged of the speed, and the trace of a few rounds."""

import gzip
import json
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import pytest

from genlab.process import peak
from genlab.training.meter import Meter, Work
from genlab.training.profile import Profile


class _Log:
    def __init__(self):
        self.lines = []

    def write(self, step, split, values):
        self.lines.append((step, split, values))


def _metered(monkeypatch, ready, work):
    """The line of speed of two calls of four rounds, a second each, with half a second of feeding."""
    clock = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: clock[0])
    monkeypatch.setattr(jax, "device_get", lambda metrics: {"a/loss": jnp.ones(4)})
    log, bar = _Log(), SimpleNamespace(advance=lambda *_: None)
    meter = Meter(log, 8, SimpleNamespace(batch_size=5, draws=2), bar, work)
    meter._mark = 0.0
    metrics = {"a/loss": SimpleNamespace(is_ready=lambda: ready)}
    for step in (4, 8):
        with meter.feeding():
            clock[0] += 0.5
        clock[0] += 0.5
        meter.add(step, metrics)
    meter.finish(8)
    return log.lines[-1][2]


def test_speed_has_operations_their_share_of_the_peak_and_stalls(monkeypatch):
    line = _metered(monkeypatch, ready=True, work=Work(10**9, peak=16e9))
    assert line == {
        "rounds_per_second": 4.0,
        "examples_per_second": 40.0,
        "data_stall_share": 0.5,
        "gigaflops_per_second": 4.0,
        "share_of_peak": 0.25,
    }


def test_a_busy_device_does_not_wait_and_an_unknown_one_has_no_peak(monkeypatch):
    line = _metered(monkeypatch, ready=False, work=Work(10**9, peak=None))
    # The first call has none before it that the device could be busy with.
    assert line["data_stall_share"] == 0.25 and "share_of_peak" not in line


def test_peak_of_devices_by_name():
    assert peak.of_kinds(["NVIDIA H100 80GB HBM3"] * 2, "bfloat16") == 2 * 989e12
    assert peak.of_kinds(["NVIDIA H100 PCIe"], "float32") == 378e12
    assert peak.of_kinds(["NVIDIA L40S"], "float32") == 183e12
    assert peak.of_kinds(["NVIDIA L4", "cpu"], "float32") is None
    assert peak.of(jax.devices("cpu"), "float32") is None


@pytest.mark.parametrize("last", [6, 4])
def test_trace_holds_the_rounds_after_the_first_call(tmp_path, last):
    """Two rounds of calls of two, or what the run has left."""
    double = jax.jit(lambda x: 2 * x)
    profile, x = Profile(tmp_path, 1), jnp.ones(3)
    for step in range(2, last + 1, 2):
        x = double(x)
        profile.after_call(step, x, last)
    profile.close()
    (trace,) = tmp_path.iterdir()
    assert trace.name == "trace-4.json.gz" and not profile.missed
    assert json.loads(gzip.decompress(trace.read_bytes()))["traceEvents"]


def test_a_run_of_one_call_has_no_trace(tmp_path):
    profile = Profile(tmp_path, 5)
    profile.after_call(4, jnp.ones(3), 4)
    profile.close()
    assert profile.missed and not any(tmp_path.iterdir())
