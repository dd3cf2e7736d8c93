"""The schedule, splits and data sets."""

import dataclasses
import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import pytest
from data_cases import Numbers, dataset_of, numbered

from genlab.data import schedule
from genlab.data.dataset import Dataset, array_splits, carve
from genlab.data.selection import class_index, select
from genlab.data.shapes import shapes
from genlab.data.split import ArraySplit, RecordSplit, RenderedSplit
from genlab.errors import InputError
from genlab.registry import datasets


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


def test_a_class_is_left_out_of_rendered_images_without_drawing_them():
    """Half a million images of 3 MiB would not fit."""
    whole = shapes(image_size=1024)
    kept = select(whole, without_labels=("heart",)).splits["train"]
    assert kept.size == pytest.approx(whole.splits["train"].size * 2 / 3, abs=2)
    some = np.arange(0, kept.size, kept.size // 50)
    assert set(kept.labels(some)) == {0, 1}
    np.testing.assert_array_equal(kept.labels(some[:3]), kept.gather(some[:3])["label"])


def test_a_class_is_given_by_name_or_index():
    data = Dataset(
        "pets",
        {
            "train": ArraySplit(numbered(9)),
            "validation": ArraySplit(numbered(0)),
            "test": ArraySplit(numbered(0)),
        },
        (2, 2, 1),
        num_classes=3,
        class_names=("cat", "dog", "eel"),
    )
    for given in ("dog", 1, "1"):
        kept = select(data, without_labels=(given,)).splits["train"]
        assert set(kept.gather(np.arange(kept.size))["label"].tolist()) == {0, 2}
    from_one = dataclasses.replace(data, class_names=("1", "2", "3"))
    for given in ("2", 2):  # a name, where names are numbers
        assert class_index(from_one, given, "label") == 1
    for wrong in (0, "dgo", 4, -1, None, 1.5):
        for chosen in (data, from_one) if wrong != 0 else (from_one,):
            with pytest.raises(InputError, match="has 3 classes"):
                class_index(chosen, wrong, "label")


def test_a_label_that_is_no_class_is_refused():
    for labels in ([0, 1, 3], [-1, 0, 1]):
        split = ArraySplit({"x": np.zeros((3, 2)), "label": np.array(labels)})
        splits = {"train": split, "validation": split, "test": split}
        with pytest.raises(InputError, match=r"label (3|-1); its 3 classes are 0 to 2"):
            Dataset("points", splits, (2,), num_classes=3)
