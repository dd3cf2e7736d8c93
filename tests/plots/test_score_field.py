"""The score of a model beside a denoising autoencoder's vector field: of a Gaussian both are one."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from genlab.errors import InputError
from genlab.plots import figure, vector_field

STD, NOISE = 0.6, 0.8  # of the data, and of what the autoencoder takes off


@dataclasses.dataclass(frozen=True)
class Family:
    """What the plot asks a family for."""

    corruption: dict | None = dataclasses.field(
        default=None, metadata={"part": "corruptions"}
    )


class Shown:
    """A model of N(0, STD^2) smoothed by the noise, by its score or as the best reconstruction."""

    step = 0
    data = SimpleNamespace(example_shape=(2,), num_classes=0, name="points")

    def __init__(self, method, corruption=None):
        self.method, self.experiment = method, Family(corruption)

    def has(self, method):
        return method == self.method

    def examples(self, split, num):
        return {"x": np.random.default_rng(0).normal(size=(num, 2)).astype(np.float32)}

    def call(self, method, x):
        share = STD**2 / (STD**2 + NOISE**2)
        return share * x if method == "reconstruct" else -x / (STD**2 + NOISE**2)


def test_autoencoder_and_energy_show_one_field(monkeypatch):
    monkeypatch.setattr(figure, "render", lambda figure: figure)
    noise = dict(name="gaussian_noise", std=NOISE)
    other = Shown("reconstruct", noise)
    monkeypatch.setattr(vector_field, "opened", lambda folder: other)
    drawn = vector_field.score_field(Shown("score"), beside=["runs/dae"], size=5)
    first, second = (axes.collections[0] for axes in drawn.axes[:2])
    lengths = np.linalg.norm(first.XY, axis=1) / (STD**2 + NOISE**2)
    np.testing.assert_allclose(first.get_array(), lengths, rtol=1e-5)
    np.testing.assert_allclose(second.get_array(), lengths, rtol=1e-4)
    np.testing.assert_allclose(second.U, first.U, rtol=1e-4)
    assert [axes.get_title() for axes in drawn.axes[:2]] == ["this run", "dae"]
    other = Shown("reconstruct", dict(name="masking"))
    with pytest.raises(InputError, match="'dae' has no score"):
        vector_field.score_field(Shown("score"), beside=["runs/dae"], size=5)
