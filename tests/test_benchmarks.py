"""The contenders that are genlab's own run on what genlab is now; how fast is not asserted."""

import pytest

from benchmarks import sweep


@pytest.mark.parametrize("contender", ["population", "one_trial"])
def test_contender_of_the_sweep_runs(contender, monkeypatch):
    monkeypatch.setattr(sweep, "ROUNDS", 2)
    monkeypatch.setattr(sweep, "PER_CALL", 2)
    monkeypatch.setitem(sweep.COMMON, "train.steps", "2")
    monkeypatch.setitem(sweep.COMMON, "train.steps_per_call", "2")
    monkeypatch.setitem(sweep.COMMON, "train.batch_size", "8")
    run = getattr(sweep, contender)("")
    run(1)
