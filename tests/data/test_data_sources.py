"""The embedded and computed data sets against known values."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from genlab.data import shapes as shapes_module
from genlab.data.toy2d import grid_modes, log_mixture, ring_modes
from genlab.errors import InputError
from genlab.registry import datasets


def build(name, **knobs):
    return datasets.build(name, **knobs)()


class TestDigits:
    def test_holds_the_source_once(self):
        load_digits = pytest.importorskip("sklearn.datasets").load_digits
        source = load_digits()
        data = build("digits")
        parts = [split.arrays for split in data.splits.values()]
        assert [len(part["x"]) for part in parts] == [
            data.splits[name].size for name in data.splits
        ]
        assert data.splits["test"].size == 300
        assert data.splits["validation"].size == 125
        x = np.concatenate([part["x"] for part in parts])[..., 0]
        counts = np.round(x * (16 / 255.0)).reshape(-1, 64)
        expected = source.images.reshape(-1, 64)
        np.testing.assert_array_equal(
            counts[np.lexsort(counts.T)], expected[np.lexsort(expected.T)]
        )
        labels = np.concatenate([part["label"] for part in parts])
        np.testing.assert_array_equal(np.bincount(labels), np.bincount(source.target))

    def test_size_and_channels(self):
        data = build("digits", image_size=32, channels=3)
        raw = data.splits["train"].gather(np.arange(2))
        assert data.example_shape == raw["x"].shape[1:] == (32, 32, 3)
        np.testing.assert_array_equal(raw["x"][..., 0], raw["x"][..., 2])
        with pytest.raises(InputError, match="image_size 0"):
            build("digits", image_size=0)
        with pytest.raises(InputError, match="channels 2"):
            build("digits", channels=2)


class TestToy2d:
    def test_ring_has_eight_modes(self):
        modes = ring_modes(2.0)
        np.testing.assert_allclose(np.linalg.norm(modes, axis=1), 2)
        # Neighbours are a chord of 45 degrees apart, the last and the first too.
        chord = np.linalg.norm(modes - np.roll(modes, 1, axis=0), axis=1)
        np.testing.assert_allclose(chord, 4 * np.sin(np.pi / 8))

    def test_grid_has_25_modes_two_apart(self):
        modes = grid_modes(4.0)
        assert {tuple(m) for m in modes.tolist()} == {
            (float(a), float(b)) for a in range(-4, 5, 2) for b in range(-4, 5, 2)
        }

    @pytest.mark.parametrize(("kind", "count"), [("ring", 8), ("grid", 25)])
    def test_mixtures(self, kind, count):
        data = build("toy2d", kind=kind, size=20_000, seed=3)
        raw = data.splits["train"].arrays
        assert data.num_classes == len(data.modes) == count
        residual = raw["x"] - data.modes[raw["label"]]
        np.testing.assert_allclose(residual.std(), data.mode_std, rtol=0.03)
        np.testing.assert_allclose(
            np.bincount(raw["label"]) / 20_000, 1 / count, rtol=0.2
        )
        test = data.splits["test"].arrays["x"]
        assert len(test) == 4000
        assert not np.isin(test[:, 0], raw["x"][:, 0]).all()

    @pytest.mark.parametrize("kind", ["ring", "grid", "swiss_roll", "two_moons"])
    def test_density_is_that_of_the_points(self, kind):
        """It has the integral 1, and the mean of log p over points is minus its entropy."""
        data = build("toy2d", kind=kind, std=0.3)
        ticks = np.linspace(-7, 7, 100)
        grid = np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)
        log_p, cell = data.log_density(grid), (ticks[1] - ticks[0]) ** 2
        np.testing.assert_allclose(np.exp(log_p).sum() * cell, 1, atol=1e-3)
        entropy = -(np.exp(log_p) * log_p).sum() * cell
        of_points = data.log_density(data.splits["test"].arrays["x"])
        error = of_points.std() / np.sqrt(len(of_points))
        assert abs(of_points.mean() + entropy) < 4 * error

    def test_density_of_a_mixture_is_scipys_and_is_not_always_known(self):
        centres, x = np.array([[0.0, 1], [2, -1]]), np.array([[0.3, 0.2], [5, 5]])
        parts = [stats.multivariate_normal(mode, 0.25).pdf(x) for mode in centres]
        np.testing.assert_allclose(
            log_mixture(x, centres, 0.5), np.log(np.mean(parts, axis=0))
        )
        assert build("toy2d", std=0.0).log_density is None
        assert build("toy2d", kind="two_moons", std=0.01).log_density is None

    def test_two_moons_without_noise_are_half_circles(self):
        raw = build("toy2d", kind="two_moons", radius=3.0, std=0.0, size=2000)
        raw = raw.splits["train"].arrays
        centre = np.where(raw["label"][:, None] == 0, [-0.5, -0.25], [0.5, 0.25])
        offset = raw["x"] / 3 - centre
        np.testing.assert_allclose(np.linalg.norm(offset, axis=1), 1, atol=1e-5)
        assert (offset[raw["label"] == 0, 1] >= -1e-6).all()
        assert (offset[raw["label"] == 1, 1] <= 1e-6).all()

    def test_swiss_roll_without_noise_is_a_spiral(self):
        data = build("toy2d", kind="swiss_roll", radius=3.0, std=0.0, size=2000)
        x = data.splits["train"].arrays["x"]
        distance = np.linalg.norm(x, axis=1)
        assert 0.99 < distance.min() < 1.01 and 2.99 < distance.max() <= 3.0001
        angle = distance / 3 * 4.5 * np.pi
        np.testing.assert_allclose(x[:, 0], distance * np.cos(angle), atol=1e-4)
        np.testing.assert_allclose(x[:, 1], distance * np.sin(angle), atol=1e-4)
        assert data.num_classes == 0

    def test_refusals(self):
        with pytest.raises(InputError, match="one of grid, ring, swiss_roll"):
            build("toy2d", kind="spheres")
        with pytest.raises(InputError, match="size=2 is not"):
            build("toy2d", size=2)


def supersampled(shape: str, size: int, angle: float, x: float, y: float) -> np.ndarray:
    """A sprite by 24 x 24 points a pixel of a 64 x 64 image, from its outline's definition."""
    n = 24
    ticks = (np.arange(64 * n) + 0.5) / (64 * n)
    right, down = np.meshgrid(ticks - x, ticks - y)
    extent = 0.22 * (0.5 + 0.1 * size)
    u = (np.cos(angle) * right + np.sin(angle) * down) / extent
    v = (np.cos(angle) * down - np.sin(angle) * right) / extent
    if shape == "square":
        inside = np.maximum(abs(u), abs(v)) <= 0.5**0.5
    elif shape == "ellipse":
        inside = u**2 + 4 * v**2 <= 1
    else:
        diamond = abs(u) + abs(v) <= 0.5**0.5
        lobe = np.hypot(abs(u) - 0.125**0.5, v + 0.125**0.5) <= 0.5
        inside = diamond | lobe
    return 255 * inside.reshape(64, n, 64, n).mean((1, 3))


class TestShapes:
    def test_sprites_match_an_exact_area(self):
        render = jax.jit(build("shapes").render)
        for shape, name in enumerate(shapes_module.SHAPES):
            for size, turn, column, row in (
                (5, 7, 31, 0),
                (0, 23, 10, 20),
                (3, 0, 5, 31),
            ):
                image = render(jnp.array([[shape, size, turn, column, row]]))[0, ..., 0]
                expected = supersampled(
                    name,
                    size,
                    2 * np.pi * turn / 40,
                    0.25 + 0.5 * column / 31,
                    0.25 + 0.5 * row / 31,
                )
                image = np.asarray(image, np.float64)
                assert abs(image.sum() / expected.sum() - 1) < 0.02
                # A pixel at a corner is off by at most a quarter of its area.
                assert abs(image - expected).max() < 64

    def test_symmetries(self):
        render = jax.jit(build("shapes").render)
        image = render(
            jnp.array(
                [
                    [2, 4, 0, 3, 9],
                    [2, 4, 20, 28, 22],
                    [0, 4, 3, 3, 9],
                    [0, 4, 13, 3, 9],
                    [2, 4, 39, 3, 9],
                    [2, 4, 20, 3, 9],
                ],
                jnp.int32,
            )
        ).astype(jnp.int32)
        # Half a turn about the image's centre; a square's quarter turn.
        assert abs(image[0] - image[1, ::-1, ::-1]).max() <= 1
        assert abs(image[2] - image[3]).max() <= 1
        # The last orientation is a step short of a full turn.
        assert abs(image[0] - image[4]).max() > 30
        # A heart at rest stands upright: its lower half tapers.
        rows = image[0, ..., 0].sum(1)
        filled = np.flatnonzero(np.asarray(rows))
        assert rows[filled[1]] > 3 * rows[filled[-2]]

    def test_splits_hold_every_combination_once(self):
        data = build("shapes", image_size=1)
        assert {name: split.size for name, split in data.splits.items()} == {
            "train": 623_852,
            "validation": 56_714,
            "test": 56_714,
        }
        sizes = tuple(data.factors.values())
        seen = []
        for split in data.splits.values():
            raw = split.gather(np.arange(split.size))
            seen.append(np.ravel_multi_index(tuple(raw["factors"].T), sizes))
            np.testing.assert_array_equal(raw["label"], raw["factors"][:, 0])
        np.testing.assert_array_equal(
            np.sort(np.concatenate(seen)), np.arange(3 * 6 * 40 * 32 * 32)
        )
        np.testing.assert_array_equal(
            seen[0][:12], [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 15]
        )

    def test_colours(self):
        data = build("shapes", colors=3, image_size=16, hold_out=False)
        assert data.splits["train"].size == 3 * 737_280
        assert data.splits["test"].size == 0
        assert data.example_shape == (16, 16, 3)
        index = np.array([0, 737_280, 2 * 737_280])
        raw = data.splits["train"].gather(index)
        np.testing.assert_array_equal(raw["factors"][:, 0], [0, 1, 2])
        # Red, green, blue: the channels of one sprite, the others black.
        for color in range(3):
            assert (np.delete(raw["x"][color], color, axis=-1) == 0).all()
            np.testing.assert_array_equal(
                raw["x"][color, ..., color], raw["x"][0, ..., 0]
            )
        assert raw["x"].max() == 255

    def test_lookup_renders_what_gather_returns(self):
        split = build("shapes", image_size=16, channels=3).splits["validation"]
        index = np.array([[0, 5], [700, 56_713]], np.int32)
        on_device = jax.jit(lambda i: split.lookup({}, i))(index)
        for name, leaf in split.gather(index).items():
            np.testing.assert_array_equal(on_device[name], leaf)

    def test_refusals(self):
        with pytest.raises(InputError, match="colors=0 is not"):
            build("shapes", colors=0)
        with pytest.raises(InputError, match="need 3 channels"):
            build("shapes", colors=2, channels=1)
        with pytest.raises(InputError, match="image_size=-1 is not"):
            build("shapes", image_size=-1)
