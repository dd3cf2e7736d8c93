"""Data sets that TensorFlow Datasets has prepared."""

from typing import ClassVar

import numpy as np
import pytest
from data_cases import SHARED, all_of, build, prepare_tfds, refused

pytest.importorskip("tensorflow_datasets")


class TestTfds:
    @pytest.fixture
    def mnist(self):
        if not (SHARED / "tfds").is_dir():
            pytest.skip("needs MNIST as prepared by TFDS")
        return {"name": "tfds:mnist", "data_dir": str(SHARED / "tfds")}

    def test_mnist(self, mnist):
        data = build(**mnist)
        assert {name: split.size for name, split in data.splits.items()} == {
            "train": 55_000,
            "validation": 5_000,
            "test": 10_000,
        }
        assert data.example_shape == (28, 28, 1)
        assert data.class_names == tuple("0123456789")
        test = all_of(data, "test")
        # The counts of MNIST's test digits, and its mean pixel, 0.1325.
        np.testing.assert_array_equal(
            np.bincount(test["label"]),
            [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009],
        )
        assert abs(test["x"].mean() / 255 - 0.1325) < 1e-4

    def test_agrees_with_the_reader_of_tfds(self, mnist):
        import tensorflow_datasets

        source = tensorflow_datasets.data_source(
            "mnist", split="train", data_dir=mnist["data_dir"]
        )
        data = build(**mnist, validation_fraction=0)
        index = np.array([[59_999, 0], [7, 30_000]])
        raw = data.splits["train"].gather(index)
        for position in np.ndindex(2, 2):
            expected = source[int(index[position])]
            np.testing.assert_array_equal(raw["x"][position], expected["image"])
            assert raw["label"][position] == expected["label"]

    def test_resized(self, mnist):
        data = build(**mnist, image_size=32, channels=3)
        raw = data.splits["validation"].gather(np.arange(3))
        assert raw["x"].shape == (3, 32, 32, 3) == (3, *data.example_shape)

    def test_features_are_checked(self, mnist):
        refused("did you mean 'label'", **mnist, label="labels")
        refused("'image' of tfds:mnist cannot be the label", **mnist, label="image")
        refused("'label' of tfds:mnist cannot be the image", **mnist, image="label")

    def test_unprepared(self, tmp_path):
        refused(
            f"{tmp_path}/mnist.* is not there; run `tfds build mnist"
            f" --file_format=array_record --data_dir={tmp_path}`",
            "tfds:mnist",
            data_dir=str(tmp_path),
        )
        assert list(tmp_path.iterdir()) == []
        refused("did you mean 'mnist'", "tfds:mnisst", data_dir=str(tmp_path))


class TestShards:
    """Ten training images and three test images, a file each."""

    KNOBS: ClassVar = {"image_size": 4, "validation_fraction": 0}

    @pytest.fixture
    def place(self, tmp_path):
        prepare_tfds(tmp_path, "things/1.0.0", {"train": range(10), "test": range(3)})
        return tmp_path / "things" / "1.0.0"

    @pytest.mark.parametrize("split", ["train", "test"])
    @pytest.mark.parametrize("damage", ["cut", "empty", "missing", "footer"])
    def test_every_split_is_checked_before_training(self, place, split, damage):
        shard = next(place.glob(f"*-{split}*"))
        whole = shard.read_bytes()
        blank = whole[: -(2**16)] + bytes(2**16)  # the last block holds the footer
        shard.write_bytes({"cut": whole[:-1], "footer": blank}.get(damage, b""))
        if damage == "missing":
            shard.unlink()
        refused(shard.name, "tfds:things", data_dir=str(place.parents[1]), **self.KNOBS)

    def test_a_flipped_record_is_named_when_it_is_met(self, place):
        shard = next(place.glob("*-train*"))
        content = bytearray(shard.read_bytes())
        content[content.index(b"IHDR")] ^= 1
        shard.write_bytes(content)
        refused(
            rf"{shard.name} is damaged at example 0 of tfds:things",
            "tfds:things",
            data_dir=str(place.parents[1]),
            **self.KNOBS,
        )

    def test_a_label_that_is_no_class_is_named(self, tmp_path):
        prepare_tfds(tmp_path, "things/1.0.0", {"train": range(3)}, label=-1)
        refused(
            "example 0 of tfds:things, train has the label -1; its 2 classes",
            "tfds:things",
            data_dir=str(tmp_path),
            test_fraction=0,
            **self.KNOBS,
        )
