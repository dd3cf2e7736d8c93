"""Ways through latents, on a decoder that shows the latent itself."""

import types

import numpy as np
import pytest
from scipy.stats import norm, truncnorm

from genlab.errors import InputError
from genlab.game.codes import Codes
from genlab.game.prior import FromPrior
from genlab.plots import attributes, walks
from genlab.plots.attributes import latent_arithmetic


class Mirror:
    """A model of images [1, 2, 1] in [-4, 4] whose pixels are the two latents, and whose classes are
    left (0) and right (1) of 0."""

    value_range, seed = (-4.0, 4.0), 0
    DECODER, latent_dim, codes = "decoder", 2, Codes()
    latents = FromPrior.latents

    def __init__(self, takes_label=False):
        self.networks = {"decoder": types.SimpleNamespace(takes_label=takes_label)}
        self.data = types.SimpleNamespace(
            name="mirror",
            example_shape=(1, 2, 1),
            num_classes=2,
            class_names=("l", "r"),
        )

    @property
    def experiment(self):
        return self

    def has(self, method):
        return method in ("sample", "decode")

    def examples(self, split, num):
        x = np.random.default_rng(0).normal(size=(num, 2)).astype(np.float32)
        return {"x": x.reshape(num, 1, 2, 1), "label": (x[:, 0] > 0).astype(np.int32)}

    def call(self, method, z):
        return np.asarray(z).reshape(-1, 1, 2, 1)

    def decode(self):
        pass


@pytest.fixture
def latents(monkeypatch):
    """Plots return the latents that they show, [rows, columns, 2]."""

    def grid(images, *, columns, value_range):
        return images.reshape(-1, columns, 2)

    for module in (walks, attributes):
        monkeypatch.setattr(module, "image_grid", grid)


def test_a_straight_path_is_above_its_spherical_one(latents):
    rows = walks.latent_paths(Mirror(), pairs=3, points=5)
    straight, arc = rows[0::2], rows[1::2]
    np.testing.assert_allclose(straight[:, [0, -1]], arc[:, [0, -1]], atol=1e-5)
    np.testing.assert_allclose(straight[:, 2], straight[:, [0, -1]].mean(1), rtol=1e-5)
    # On the arc the weights of both ends at the middle are sin(a/2) / sin(a) = 1 / (2 cos(a/2)).
    ends = arc[:, [0, -1]]
    cosine = np.prod(ends, axis=1).sum(-1) / np.prod(np.linalg.norm(ends, axis=2), 1)
    half = 0.5 / np.cos(np.arccos(cosine) / 2)
    np.testing.assert_allclose(arc[:, 2], half[:, None] * ends.sum(1), rtol=1e-3)


def test_a_walk_comes_back_and_a_traversal_moves_one_coordinate(latents):
    walk = walks.latent_walk(Mirror(), stops=3, points=50)
    steps = np.linalg.norm(np.diff(walk.reshape(-1, 2), axis=0), axis=1)
    assert np.linalg.norm(walk[-1, -1] - walk[0, 0]) <= 1.01 * steps.max()
    moved = walks.latent_traversals(Mirror(), dimensions=8, points=3, reach=1.5)
    assert moved.shape == (2, 3, 2)
    np.testing.assert_array_equal(moved[0, :, 0], [-1.5, 0, 1.5])
    assert np.ptp(moved[0, :, 1]) == 0 and np.ptp(moved[1, :, 0]) == 0


def test_truncated_draws_keep_their_quantiles():
    z = np.array([[-5.0, -1.0, 0.0, 0.3, 2.0, 40.0]])
    found = walks.truncated(z, 0.5)
    expected = truncnorm.ppf(np.clip(norm.cdf(z), 1e-15, 1 - 1e-15), -0.5, 0.5)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_allclose(walks.truncated(z[:, 1:5], 30.0), z[:, 1:5], atol=1e-6)


def test_an_attribute_moves_from_class_to_class(latents):
    rows = latent_arithmetic(Mirror(), minus="l", plus="r", num=4, points=3)
    # E[z | z > 0] = sqrt(2 / pi) for a normal z; the other coordinate has no class.
    np.testing.assert_allclose(rows[0, 0], [-np.sqrt(2 / np.pi), 0], atol=0.1)
    np.testing.assert_allclose(rows[0, -1], [np.sqrt(2 / np.pi), 0], atol=0.1)
    assert (rows[1:, 0, 0] < 0.1).all() and rows.shape == (5, 3, 2)
    np.testing.assert_allclose(
        rows[1:, -1] - rows[1:, 0], np.tile(rows[0, -1] - rows[0, 0], (4, 1)), rtol=1e-4
    )


def test_plots_of_latents_refuse_what_has_none():
    model = Mirror(takes_label=True)
    with pytest.raises(InputError, match="takes the class itself"):
        latent_arithmetic.check(model, model.data)
    with pytest.raises(InputError, match="plus='x'"):
        latent_arithmetic.check(Mirror(), Mirror().data, plus="x")
    with pytest.raises(InputError, match="decodes z ~ N"):
        walks.latent_walk.check(types.SimpleNamespace(decode=None), None)
    with pytest.raises(InputError, match="bounds=.. has no row"):
        walks.truncation.check(model, None, bounds=())
