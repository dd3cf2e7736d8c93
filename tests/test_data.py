"""The schedule, splits, preparation and feed."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genlab import parallel
from genlab.data import feed, schedule
from genlab.data.dataset import Dataset, array_splits, carve
from genlab.data.feed import Feed, batches
from genlab.data.prepare import Preparation
from genlab.data.split import ArraySplit, Records, RecordSplit, RenderedSplit
from genlab.errors import InputError
from genlab.registry import datasets


def numbered(size: int) -> dict[str, np.ndarray]:
    """Images [size, 2, 2, 1] whose pixels all hold their index, with labels."""
    index = np.arange(size)
    x = np.broadcast_to(index[:, None, None, None], (size, 2, 2, 1)).astype(np.uint8)
    return {"x": x, "label": (index % 3).astype(np.int32)}


def dataset_of(train, name="numbered") -> Dataset:
    empty = ArraySplit({"x": np.zeros((0, 2, 2, 1), np.uint8)})
    splits = {"train": train, "validation": empty, "test": empty}
    return Dataset(name, splits, (2, 2, 1))


class Numbers(Records):
    """As `numbered`, read one by one."""

    def read(self, indices):
        return [
            {"x": np.full((2, 2, 1), i, np.uint8), "label": np.int32(i % 3)}
            for i in indices
        ]


class TestSchedule:
    def test_every_epoch_holds_every_example_once(self):
        position = schedule.indices_from(3, 0, 30, 10).reshape(3, 10)
        np.testing.assert_array_equal(np.sort(position), np.tile(np.arange(10), (3, 1)))
        assert len({tuple(epoch) for epoch in position.tolist()}) == 3

    def test_batches_span_epochs_and_need_no_history(self):
        whole = schedule.indices_from(7, 0, 70, 10)
        # Steps out of order, batches of 7 from epochs of 10.
        for step in (9, 0, 4, 1):
            np.testing.assert_array_equal(
                schedule.batch_indices(7, step, 7, 10), whole[7 * step : 7 * step + 7]
            )

    def test_a_batch_may_be_larger_than_the_data(self):
        counts = np.bincount(schedule.batch_indices(0, 5, 9, 3))
        np.testing.assert_array_equal(counts, [3, 3, 3])

    def test_steps_beyond_32_bits(self):
        assert schedule.batch_indices(0, 2**40, 4, 10).shape == (4,)

    def test_order_depends_on_seed_alone(self):
        a, b = schedule.epoch_order(0, 0, 100), schedule.epoch_order(1, 0, 100)
        assert (a != b).any()
        schedule.epoch_order.cache_clear()
        np.testing.assert_array_equal(a, schedule.epoch_order(0, 0, 100))
        with pytest.raises(ValueError, match="read-only"):
            a[0] = 1

    def test_bad_seed_and_size(self):
        with pytest.raises(InputError, match="seed -1"):
            schedule.epoch_order(-1, 0, 10)
        with pytest.raises(InputError, match="split of 0"):
            schedule.batch_indices(0, 0, 1, 0)


class TestCarve:
    def test_hand_calculation(self):
        # Fractional parts of 0..4 times 0.618: 0, .618, .236, .854, .472.
        kept, held = carve(5, 0.4)
        np.testing.assert_array_equal(held, [0, 2])
        np.testing.assert_array_equal(kept, [1, 3, 4])

    def test_sorted_and_cyclic_classes_keep_their_share(self):
        _, held = carve(6000, 1 / 12)
        assert len(held) == 500
        for label in (np.arange(6000) // 600, np.arange(6000) % 10):
            np.testing.assert_allclose(np.bincount(label[held]), 50, atol=2)

    def test_zero_holds_out_nothing(self):
        splits = array_splits({"train": numbered(10)}, validation_fraction=0)
        assert [splits[s].size for s in ("train", "validation", "test")] == [10, 0, 0]

    def test_given_splits_stay(self):
        parts = {"train": numbered(24), "test": numbered(5)}
        splits = array_splits(parts, validation_fraction=1 / 12)
        assert splits["train"].size == 22
        assert splits["validation"].size == 2
        np.testing.assert_array_equal(splits["test"].arrays["x"], numbered(5)["x"])
        seen = [splits[s].arrays["x"][:, 0, 0, 0] for s in ("train", "validation")]
        np.testing.assert_array_equal(np.sort(np.concatenate(seen)), np.arange(24))

    @pytest.mark.parametrize("fraction", [-0.1, 1.0, float("nan")])
    def test_bad_fraction(self, fraction):
        with pytest.raises(InputError, match="outside"):
            carve(10, fraction)


class TestDataset:
    def test_held_out_falls_back_by_name(self):
        full, empty = ArraySplit(numbered(4)), ArraySplit(numbered(0))

        def made(validation, test):
            splits = {"train": full, "validation": validation, "test": test}
            return Dataset("numbered", splits, (2, 2, 1))

        assert made(full, full).held_out()[0] == "validation"
        assert made(empty, full).held_out()[0] == "test"
        assert made(empty, empty).held_out() == ("train", full)
        assert made(full, full).is_image

    def test_refuses_empty_train_and_missing_splits(self):
        with pytest.raises(InputError, match="empty"):
            dataset_of(ArraySplit(numbered(0)))
        with pytest.raises(InputError, match="exactly train, validation, test"):
            Dataset("x", {"train": ArraySplit(numbered(1))}, (2, 2, 1))

    def test_refuses_unequal_lengths(self):
        with pytest.raises(InputError, match="'label': 2"):
            ArraySplit({"x": np.zeros((3, 2)), "label": np.zeros(2)})
        with pytest.raises(InputError, match="needs an array 'x'"):
            ArraySplit({"label": np.zeros(2)})

    @pytest.mark.parametrize("shape", [(3,), (2, 3)])
    def test_the_kinds_of_split_agree(self, shape):
        index = np.arange(7, 7 + np.prod(shape), dtype=np.int32).reshape(shape)
        arrays = ArraySplit(numbered(20))
        records = RecordSplit(Numbers(), np.arange(20), example_bytes=8)
        rendered = RenderedSplit(
            lambda i: {
                "x": jnp.broadcast_to(i, (2, 2, 1)).astype(jnp.uint8),
                "label": i % 3,
            },
            20,
        )
        expected = {"x": numbered(20)["x"][index], "label": index % 3}
        for raw in (
            arrays.gather(index),
            records.gather(index),
            records.load().gather(index),
            rendered.gather(index),
            arrays.lookup(arrays.resident(), jnp.asarray(index)),
            rendered.lookup(rendered.resident(), jnp.asarray(index)),
        ):
            assert set(raw) == {"x", "label"}
            for name, value in expected.items():
                np.testing.assert_array_equal(raw[name], value)
                assert raw[name].dtype == numbered(1)[name].dtype

    def test_discovery_imports_no_heavy_package(self):
        code = (
            "import sys; from genlab.registry import datasets; list(datasets);"
            "heavy = {'sklearn', 'PIL', 'tensorflow_datasets', 'grain', 'tensorflow'};"
            "print(sorted(heavy & set(sys.modules)))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == "[]"

    def test_without_its_argument_a_path_is_asked_for(self):
        for name in ("folder", "idx", "npz", "tfds"):
            with pytest.raises(InputError, match=f"{name}:"):
                datasets.build(name)()


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
        x = np.tile(np.arange(2, dtype=np.uint8)[None, None, :, None], (64, 1, 1, 1))
        prepare = Preparation(augment=("horizontal_flip",), value_range=(0, 255))
        evaluated = prepare({"x": x}, jax.random.key(0), False)["x"]
        np.testing.assert_allclose(evaluated, x)
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
        with pytest.raises(InputError, match="two numbers"):
            Preparation(value_range=(1.0,))


class TestFeed:
    def make(self, backend, *, split=None, batch_size=3, draws=2):
        if split is None:
            split = ArraySplit(numbered(10))
            if backend == "grain":
                split = RecordSplit(Numbers(), np.arange(10), example_bytes=8)
        return Feed(
            dataset_of(split),
            Preparation(value_range=(0, 255)),
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
                    "x": numbered(10)["x"][index],
                    "label": index % 3,
                }
            assert set(batch) == set(expected)
            for name, value in expected.items():
                np.testing.assert_allclose(batch[name], value)

    def test_prefetched_chunks_are_those_asked_for(self):
        served = self.make("memory")
        for step, rounds in ((0, 2), (2, 2), (4, 2), (6, 1), (7, 1), (0, 2)):
            chunk = served.chunk(step, rounds)
            np.testing.assert_array_equal(
                chunk["index"].ravel(),
                schedule.indices_from(5, step * 6, rounds * 6, 10),
            )
            np.testing.assert_array_equal(chunk["x"][..., 0, 0, 0], chunk["index"])

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
