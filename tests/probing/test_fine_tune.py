"""An encoder and a linear layer on its codes, trained together."""

import numpy as np
from test_probing import labelled, reading

from genlab.probing import fine_tune
from genlab.probing.fine_tune import FineTuned
from genlab.probing.plan import Plan
from genlab.probing.suite import Suite


def test_a_first_step_of_adam_moves_layer_and_encoder_by_the_rate_against_the_slope():
    trained, data = reading([6, 7]), labelled(150, 0)
    start = trained.params, trained.extra
    fitted = FineTuned(trained, start, 0.01, steps=1).fit(data["x"], data["label"])
    (params, _), layer, _ = fitted._found
    np.testing.assert_allclose(np.abs(layer), 0.01, rtol=1e-3)
    # The layer is 0 at first, so nothing reaches the encoder yet.
    np.testing.assert_array_equal(params["encoder"], trained.params["encoder"])
    twice = FineTuned(trained, start, 0.01, steps=2).fit(data["x"], data["label"])
    moved = np.abs(twice._found[0][0]["encoder"] - trained.params["encoder"])
    assert 0 < moved.max() < 0.011
    np.testing.assert_array_equal(trained.params["encoder"], np.eye(8)[:, [6, 7]])


def test_tuning_finds_what_the_code_does_not_have(monkeypatch):
    monkeypatch.setattr(fine_tune, "RATES", (0.1, 1e-4))
    suite = Suite(Plan(("linear", "fine_tuned"), labels=[12]))
    rows = suite.rows("signal", reading([6, 7])) + suite.rows("noise", reading([0, 1]))
    value = {(row.run, row.features, row.probe): row.value for row in rows}
    tuned = {key for key in value if key[2].startswith("fine_tuned")}
    assert {key[1:] for key in tuned} == {
        (features, probe)
        for features in ("codes", "untrained")
        for probe in ("fine_tuned", "fine_tuned_12")
    }
    assert value["signal", "codes", "fine_tuned"] > 0.95
    assert value["signal", "codes", "fine_tuned_12"] > 0.8
    assert value["noise", "codes", "linear"] < 0.6
    assert (
        value["noise", "codes", "fine_tuned"] > value["noise", "codes", "linear"] + 0.2
    )


def test_a_code_that_never_changes_is_left_as_it_is():
    data = labelled(150, 0)
    trained = reading([6, 7])
    encoder = trained.params["encoder"].at[:, 1].set(0.0)
    start = {**trained.params, "encoder": encoder}, trained.extra
    fitted = FineTuned(trained, start, 0.01, steps=20).fit(data["x"], data["label"])
    _, layer, (_, width) = fitted._found
    assert width[1] == 1 and np.isfinite(layer).all()
