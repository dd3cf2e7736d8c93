"""From raw examples to batches: preparation on the device, and the feed."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from data_cases import Numbers, dataset_of, numbered

from genlab.data import feed, schedule
from genlab.data.feed import Feed, batches
from genlab.data.prepare import Preparation
from genlab.data.split import ArraySplit, RecordSplit, RenderedSplit
from genlab.errors import InputError
from genlab.game import parallel


class TestPreparation:
    def raw(self, values) -> dict[str, np.ndarray]:
        x = np.asarray(values, np.uint8).reshape(-1, 1, 1, 1)
        return {"x": x, "index": np.arange(len(x), dtype=np.int32)}

    @pytest.mark.parametrize(
        ("value_range", "expected"),
        [((0.0, 1.0), [0, 0.2, 1]), ((-1.0, 1.0), [-1, -0.6, 1])],
    )
    def test_range(self, value_range, expected):
        batch = Preparation(value_range=value_range)(
            self.raw([0, 51, 255]), jax.random.key(0), True
        )
        assert batch["x"].dtype == jnp.float32
        np.testing.assert_allclose(batch["x"].ravel(), expected, atol=1e-6)

    def test_dynamic_binarisation(self):
        raw = {"x": np.full((500, 8, 5, 1), 51, np.uint8)}
        raw["x"][0], raw["x"][1] = 0, 255
        prepare = Preparation(binarize="dynamic")
        a, b = (prepare(raw, jax.random.key(seed), False)["x"] for seed in (0, 1))
        assert set(np.unique(a)) == {0, 1}
        assert (a[0] == 0).all() and (a[1] == 1).all()
        # 19,920 draws of probability 0.2: standard error 0.0028.
        assert abs(float(a[2:].mean()) - 0.2) < 0.012
        # Two independent draws differ with probability 2 * 0.2 * 0.8.
        assert abs(float((a[2:] != b[2:]).mean()) - 0.32) < 0.015

    def test_fixed_binarisation_follows_the_example(self):
        x = np.full((6, 8, 8, 1), 128, np.uint8)
        index = np.array([0, 1, 2, 3, 4, 1], np.int32)
        prepare = Preparation(binarize="fixed", value_range=(-1.0, 1.0))
        batch = prepare({"x": x, "index": index}, jax.random.key(0), True)["x"]
        turned = {"x": x, "index": index[::-1].copy()}
        again = prepare(turned, jax.random.key(9), False)["x"]
        np.testing.assert_array_equal(batch, again[::-1])
        np.testing.assert_array_equal(batch[1], batch[5])
        assert (batch[0] != batch[1]).any()
        assert set(np.unique(batch)) == {-1, 1}

    def test_a_share_of_the_batch_sees_the_same_noise(self):
        raw = {"x": np.full((8, 4, 4, 1), 100, np.uint8)}
        raw["x"][:, :, 0] = 7
        prepare = Preparation(binarize="dynamic", augment=("horizontal_flip",))
        whole = prepare(raw, jax.random.key(0), True)["x"]
        with parallel.mapped():
            shares = jax.vmap(
                lambda share: prepare(share, jax.random.key(0), True)["x"],
                axis_name=parallel.BATCH,
            )({"x": raw["x"].reshape(2, 4, 4, 4, 1)})
        np.testing.assert_array_equal(whole, shares.reshape(whole.shape))

    def test_augments_in_training_only_and_per_example(self):
        x = np.tile(np.array([0, 255], np.uint8)[None, None, :, None], (64, 1, 1, 1))
        prepare = Preparation(augment=("horizontal_flip",))
        evaluated = prepare({"x": x}, jax.random.key(0), False)["x"]
        np.testing.assert_allclose(evaluated, x / 255)
        flipped = prepare({"x": x}, jax.random.key(0), True)["x"][:, 0, 0, 0]
        # 64 fair coins: outside 16..48 once in 50,000 seeds.
        assert 16 < float(flipped.sum()) < 48

    def test_points_and_other_leaves_pass(self):
        raw = {"x": np.ones((3, 2), np.float32) * 5, "label": np.arange(3)}
        batch = Preparation(value_range=(-1.0, 1.0))(raw, jax.random.key(0), True)
        np.testing.assert_array_equal(batch["x"], raw["x"])
        np.testing.assert_array_equal(batch["label"], raw["label"])
        with pytest.raises(InputError, match="are points"):
            Preparation(binarize="dynamic")(raw, jax.random.key(0), True)

    def test_refusals(self):
        with pytest.raises(InputError, match="did you mean 'dynamic'"):
            Preparation(binarize="dynamik")
        with pytest.raises(InputError, match="did you mean 'horizontal_flip'"):
            Preparation(augment=("horizontal_flop",))
        with pytest.raises(InputError, match="did you mean 'padding'"):
            Preparation(augment=({"name": "random_crop", "pading": 2},))
        with pytest.raises(InputError, match="needs a name"):
            Preparation(augment=({"padding": 2},))
        with pytest.raises(InputError, match="cannot be augmented"):
            Preparation(augment=("random_crop",), binarize="fixed")
        for wrong in ((1.0,), (0, 1, 2), ("0", "1"), (None, 1), (True, False)):
            with pytest.raises(InputError, match="two numbers"):
                Preparation(value_range=wrong)
        for wrong in ((0, 255), (1, 0), (0, 0), (-2, 2), (0, float("nan"))):
            with pytest.raises(InputError, match="from a lower to a higher number"):
                Preparation(value_range=wrong)


class TestFeed:
    def make(self, backend, *, split=None, batch_size=3, draws=2):
        if split is None:
            split = ArraySplit(numbered(10))
            if backend == "grain":
                split = RecordSplit(Numbers(), np.arange(10), example_bytes=8)
        return Feed(
            dataset_of(split),
            Preparation(),
            seed=5,
            batch_size=batch_size,
            draws=draws,
            backend=backend,
        )

    def test_positions_of_rounds_and_draws(self):
        index = self.make("resident").chunk(4, 5)["index"]
        assert index.shape == (5, 2, 3)
        assert index.dtype == np.int32
        for row in range(5):
            for draw in range(2):
                np.testing.assert_array_equal(
                    index[row, draw],
                    schedule.batch_indices(5, (4 + row) * 2 + draw, 3, 10),
                )

    def test_backends_prepare_the_same_batch(self):
        expected = None
        for backend in ("resident", "memory", "grain"):
            served = self.make(backend)
            # The second call is the one prefetched, the third is not.
            for step in (0, 2, 7):
                chunk = served.chunk(step, 2)
            piece = jax.tree.map(lambda leaf: leaf[1, 0], chunk)
            batch = jax.jit(served.prepare)(served.resident, piece, jax.random.key(0))
            if expected is None:
                index = schedule.batch_indices(5, 16, 3, 10)
                expected = {
                    "index": index,
                    "x": numbered(10)["x"][index] / np.float32(255),
                    "label": index % 3,
                }
            assert set(batch) == set(expected)
            for name, value in expected.items():
                np.testing.assert_allclose(batch[name], value, rtol=1e-6)

    def test_prefetched_chunks_are_those_asked_for(self):
        served = self.make("memory")
        for step, rounds in ((0, 2), (2, 2), (4, 2), (6, 1), (7, 1), (0, 2)):
            chunk = served.chunk(step, rounds)
            np.testing.assert_array_equal(
                chunk["index"].ravel(),
                schedule.indices_from(5, step * 6, rounds * 6, 10),
            )
            np.testing.assert_array_equal(chunk["x"][..., 0, 0, 0], chunk["index"])

    @pytest.mark.parametrize("backend", ["resident", "memory", "grain"])
    def test_processes_read_their_own_examples_of_the_whole_batch(self, backend):
        shares, whole = ((0, 2), (1,)), self.make(backend)
        feeds = [self.make(backend) for _ in shares]
        for step in (0, 2):  # the second is prefetched
            parts = zip(feeds, shares, strict=True)
            parts = [served.chunk(step, 2, rows) for served, rows in parts]
            for name, leaf in whole.chunk(step, 2).items():
                for part, rows in zip(parts, shares, strict=True):
                    np.testing.assert_array_equal(part[name], leaf[:, :, list(rows)])

    def test_backend_by_size(self, monkeypatch):
        records = RecordSplit(Numbers(), np.arange(10), example_bytes=8)
        assert self.make("auto").backend == "resident"
        assert self.make("auto", split=records).backend == "resident"
        assert self.make("memory", split=records).backend == "memory"
        monkeypatch.setattr(feed, "RESIDENT_LIMIT", 20)
        assert self.make("auto").backend == "memory"
        assert self.make("auto", split=records).backend == "grain"
        rendered = RenderedSplit(lambda i: {"x": jnp.zeros((2, 2, 1))}, 10**6)
        assert self.make("auto", split=rendered).backend == "resident"
        assert self.make("auto", split=rendered).resident == {}

    def test_refusals(self):
        with pytest.raises(InputError, match="did you mean 'memory'"):
            self.make("memry")
        with pytest.raises(InputError, match="reads records"):
            self.make("grain", split=ArraySplit(numbered(3)))
        with pytest.raises(InputError, match="batch_size 0"):
            self.make("auto", batch_size=0)
        with pytest.raises(InputError, match="round of 2 x 1000000000000 examples"):
            self.make("auto", batch_size=10**12)

    def test_what_goes_wrong_in_a_data_set_is_said_of_it(self):
        class Broken(Numbers):
            def read(self, indices):
                raise KeyError("pixels")

        records = RecordSplit(Broken(), np.arange(10), example_bytes=8)
        for backend in ("grain", "memory"):
            with pytest.raises(InputError, match="data set 'numbered' fails .KeyError"):
                self.make(backend, split=records).chunk(0, 1)

    def test_a_failure_while_prefetching_reaches_the_caller(self):
        class Broken(Numbers):
            def read(self, indices):
                if 9 in indices:
                    raise InputError("image 9 cannot be read")
                return super().read(indices)

        served = self.make(
            "grain", split=RecordSplit(Broken(), np.arange(10), example_bytes=8)
        )
        with pytest.raises(InputError, match="image 9 cannot be read"):
            for step in range(3):
                served.chunk(step, 1)

    def test_evaluation_batches_hold_each_example_once(self):
        seen, shapes = [], set()
        for raw, mask in batches(ArraySplit(numbered(10)), 4):
            shapes.add((raw["x"].shape, raw["index"].shape, mask.shape))
            seen += raw["x"][mask][:, 0, 0, 0].tolist()
        assert seen == list(range(10))
        assert shapes == {((4, 2, 2, 1), (4,), (4,))}
        assert list(batches(ArraySplit(numbered(0)), 4)) == []
        with pytest.raises(InputError, match="batch_size 0"):
            next(batches(ArraySplit(numbered(3)), 0))
