"""CMMD: the public formula, on features that stand for those of CLIP, whose weights are not shipped."""

import numpy as np
import pytest
from given import model, stored

from genlab.errors import InputError
from genlab.evaluation import evaluate
from genlab.metrics import cmmd
from genlab.registry import metrics

PIXELS = dict(name="pixels", size=8, color=False)


def public(x, y):
    """1,000 (E k(x, x') + E k(y, y') - 2 E k(x, y)) over all pairs, k = exp(-||x - y||^2 / 200)."""

    def kernel(x, y):
        return np.exp(-np.square(x[:, None] - y[None]).sum(-1) / 200)

    xx, yy = kernel(x, x), kernel(y, y)
    themselves = [
        (1 - (k.sum() - len(k)) / len(k) / (len(k) - 1)) / len(k) for k in (xx, yy)
    ]
    biased = xx.mean() + yy.mean() - 2 * kernel(x, y).mean()
    return 1000 * biased, 1000 * sum(themselves)


def test_it_is_the_public_formula_without_pairs_of_an_image_with_itself(monkeypatch):
    copier = model(stored("validation")[0])
    monkeypatch.setattr(cmmd, "_clip", lambda weights: PIXELS)
    part = dict(name="cmmd", num=60, num_reference=50)
    found = evaluate.measure(copier, "test", [part], 64)["cmmd"]
    ours = (np.asarray(copier.sample(60), np.float64) + 1).reshape(60, -1) / 2
    truth = copier.examples("train", 50)["x"].astype(np.float64)
    biased, themselves = public(ours, (truth + 1).reshape(50, -1) / 2)
    assert found.values["cmmd"] == pytest.approx(biased - themselves, rel=1e-4)
    assert themselves > 0.01 * biased
    low, high = found.intervals["cmmd"]
    assert low < found.values["cmmd"] < high
    assert found.protocol["bandwidth"] == 10 and found.protocol["scale"] == 1000


def test_without_weights_it_is_refused_before_training():
    copier = model(stored("validation")[0])
    with pytest.raises(InputError, match="get https.*clip-vit-large-patch14-336/"):
        evaluate.check(copier.experiment, copier.data, metrics, [dict(name="cmmd")])
