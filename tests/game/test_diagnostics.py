"""What a step says of the health of an adversarial game."""

import json
import logging

import jax.numpy as jnp
import numpy as np
from sklearn.metrics import roc_auc_score

from genlab.evaluation.alarm import sound
from genlab.game import diagnostics


def test_accuracy_over_pairs_is_the_area_under_the_curve():
    # In eighths, exact in float32, with ties.
    draws = np.rint(8 * np.random.default_rng(0).normal(size=(2, 60))) / 8
    real, fake = draws[0] + 0.5, draws[1]
    pairs = [jnp.asarray(x) for x in (np.repeat(real, 60), np.tile(fake, 60))]
    found = diagnostics.verdicts(*pairs)
    truth = np.repeat([1, 0], 60)
    area = roc_auc_score(truth, np.concatenate([real, fake]))
    np.testing.assert_allclose(found["accuracy"].mean(), area, rtol=1e-5)
    np.testing.assert_allclose(
        found["logit_gap"].mean(), real.mean() - fake.mean(), rtol=1e-5
    )


def test_spread_is_a_ratio_of_deviations():
    x = np.random.default_rng(1).normal(size=(50, 4, 4, 1))
    for scale, shift in ((0.5, 3.0), (0.0, 1.0)):
        found = diagnostics.spread(jnp.asarray(x), jnp.asarray(scale * x + shift))
        np.testing.assert_allclose(found["spread"], scale, atol=1e-6)
    np.testing.assert_allclose(
        diagnostics.spread(jnp.ones((4, 2)), jnp.ones((4, 2)))["spread"], 1.0
    )


class Collapsing:
    alarms = staticmethod(diagnostics.alarms)


def test_a_run_that_ends_collapsed_says_so(tmp_path, caplog):
    lines = [("train", 10, 0.9), ("train", 20, 0.03), ("validation", 20, 1.0)]
    text = [
        json.dumps(
            {"step": step, "split": split, "values": {"generator/spread": value}}
        )
        for split, step, value in lines
    ]
    log = tmp_path / "metrics.jsonl"
    for kept, told in ((1, ""), (3, "collapsed: generator/spread=0.03")):
        log.write_text("\n".join(text[:kept]) + "\n")
        caplog.clear()
        with caplog.at_level(logging.WARNING, "genlab"):
            sound(Collapsing(), tmp_path)
        assert told in caplog.text and bool(told) == bool(caplog.text)
    sound(object(), tmp_path)  # a family without alarms
