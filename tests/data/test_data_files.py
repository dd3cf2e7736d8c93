"""Data sets from files: what is read, and what each damaged file is answered with."""

import gzip
import io
import pathlib
import struct
import zipfile

import numpy as np
import pytest
from data_cases import SHARED, all_of, build, refused

from genlab.data.fingerprint import check_older, fingerprint
from genlab.data.labels import ClassLabels
from genlab.errors import InputError

Image = pytest.importorskip("PIL.Image")


def png(array) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.asarray(array, np.uint8)).save(file, "png")
    return file.getvalue()


def write_idx(path, array, *, magic=None, cut=0, compress=False):
    shape = struct.pack(f">{array.ndim}I", *array.shape)
    data = (magic or bytes((0, 0, 8, array.ndim))) + shape + array.tobytes()
    data = data[: len(data) - cut]
    if compress:
        path = path.with_name(path.name + ".gz")
        data = gzip.compress(data)
    path.write_bytes(data)


class TestIdx:
    x = np.arange(24 * 6, dtype=np.uint8).reshape(24, 2, 3)
    y = (np.arange(24) % 4).astype(np.uint8)

    @pytest.fixture
    def folder(self, tmp_path):
        write_idx(tmp_path / "train-images-idx3-ubyte", self.x, compress=True)
        write_idx(tmp_path / "train-labels-idx1-ubyte", self.y)
        write_idx(tmp_path / "t10k-images-idx3-ubyte", self.x[:5])
        write_idx(tmp_path / "t10k-labels-idx1-ubyte", self.y[:5], compress=True)
        return tmp_path

    def test_reads_plain_and_compressed(self, folder):
        data = build(f"idx:{folder}", validation_fraction=0)
        np.testing.assert_array_equal(all_of(data)["x"][..., 0], self.x)
        np.testing.assert_array_equal(all_of(data)["label"], self.y)
        np.testing.assert_array_equal(all_of(data, "test")["x"][..., 0], self.x[:5])
        assert data.num_classes == 4 and data.class_names == ()
        assert data.example_shape == (2, 3, 1)
        assert build(f"idx:{folder}").splits["validation"].size == 2
        assert build(f"idx:{folder}", image_size=4).example_shape == (4, 4, 1)

    def test_damaged(self, folder):
        name = f"idx:{folder}"
        labels, compressed = (
            folder / "train-labels-idx1-ubyte",
            next(folder.glob("*.gz")),
        )
        write_idx(labels, self.y, cut=1)
        refused(r"holds 23 bytes but announces \(24,\)", name)
        write_idx(labels, self.y, magic=b"\0\0\x0d\1")
        refused("starts with 00000d01.*starts with 00000801", name)
        labels.write_bytes(b"")
        refused("starts with nothing", name)
        write_idx(labels, self.y[:20])
        refused("24 train images but 20 labels", name)
        write_idx(labels, self.y)
        write_idx(folder / "t10k-images-idx3-ubyte", self.x[:5, :, :2])
        refused("train images are 2 x 3 and test images 2 x 2 pixels", name)
        compressed.write_bytes(compressed.read_bytes()[:20])
        refused("cannot be read", name)
        labels.unlink()
        refused("holds no", name)
        refused("no folder", f"idx:{folder / 'absent'}")

    def test_labels_from_one_keep_their_numbers_as_names(self, folder):
        write_idx(folder / "train-labels-idx1-ubyte", self.y + 1)
        write_idx(folder / "t10k-labels-idx1-ubyte", self.y[:5] + 1, compress=True)
        data = build(f"idx:{folder}", validation_fraction=0)
        assert data.class_names == ("1", "2", "3", "4")
        np.testing.assert_array_equal(all_of(data)["label"], self.y)

    def test_empty(self, folder):
        write_idx(folder / "train-images-idx3-ubyte", self.x[:0])
        write_idx(folder / "train-labels-idx1-ubyte", self.y[:0])
        (folder / "train-images-idx3-ubyte.gz").unlink()
        refused("train split of .* is empty", f"idx:{folder}")


class TestNpz:
    x = np.arange(36 * 4, dtype=np.uint8).reshape(36, 2, 2)

    def write(self, path, **arrays):
        file = path / "data.npz"
        np.savez(file, **arrays)
        return f"npz:{file}"

    def test_images_with_labels_and_test(self, tmp_path):
        label = np.arange(36) % 5
        name = self.write(
            tmp_path, x_train=self.x, y_train=label, x_test=self.x[:3], y_test=label[:3]
        )
        data = build(name, validation_fraction=0)
        np.testing.assert_array_equal(all_of(data)["x"][..., 0], self.x)
        np.testing.assert_array_equal(all_of(data)["label"], label)
        assert all_of(data)["label"].dtype == np.int32
        np.testing.assert_array_equal(all_of(data, "test")["label"], [0, 1, 2])
        assert data.num_classes == 5

    @pytest.mark.parametrize("key", ["x", "imgs", "samples", "arr_0"])
    def test_keys(self, tmp_path, key):
        data = build(
            self.write(tmp_path, **{key: self.x}),
            validation_fraction=0,
            test_fraction=0,
        )
        np.testing.assert_array_equal(all_of(data)["x"][..., 0], self.x)

    def test_carves_what_is_missing(self, tmp_path):
        data = build(self.write(tmp_path, images=self.x))
        assert {name: split.size for name, split in data.splits.items()} == {
            "train": 30,
            "validation": 3,
            "test": 3,
        }
        assert data.num_classes == 0

    def test_other_pixel_types(self, tmp_path):
        bits = np.arange(16).reshape(4, 2, 2) % 2
        for x, white in ((bits.astype(bool), 255), (bits.astype(np.uint8), 1)):
            data = build(self.write(tmp_path, x=x), white=white, test_fraction=0)
            np.testing.assert_array_equal(all_of(data)["x"][..., 0], 255 * bits)
        floats = self.x.astype(np.float32) / 255
        data = build(
            self.write(tmp_path, x=floats), test_fraction=0, validation_fraction=0
        )
        np.testing.assert_array_equal(all_of(data)["x"][..., 0], self.x)

    def test_points_and_factors(self, tmp_path):
        points = np.random.default_rng(0).normal(size=(10, 3))
        factors = np.stack([np.arange(10) % 2, np.arange(10) % 5], 1)
        data = build(
            self.write(tmp_path, x=points, factors=factors),
            test_fraction=0,
            validation_fraction=0,
        )
        np.testing.assert_array_equal(all_of(data)["x"], points.astype(np.float32))
        assert not data.is_image
        assert data.factors == {"factor_0": 2, "factor_1": 5}

    def test_any_labels_become_classes_by_name(self, tmp_path):
        """From 1, far apart, negative, float, boolean or text: never a class that nobody named."""
        for label, names in (
            (np.arange(36) % 3 + 1, ("1", "2", "3")),
            (np.arange(36) % 2 * 2**31, ("0", "2147483648")),
            (np.arange(36) % 2 - 1, ("-1", "0")),
            (np.arange(36) % 3 + 1.0, ("1", "2", "3")),
            (np.array(["cat", "dog"] * 18), ("cat", "dog")),
            (np.arange(36) % 2 == 1, ()),
            (np.arange(36) % 4, ()),
        ):
            data = build(self.write(tmp_path, x=self.x, label=label), test_fraction=0)
            assert data.class_names == names
            found = all_of(data)
            assert found["label"].dtype == np.int32
            values = np.unique(label)
            assert data.num_classes == len(values)
            at = found["x"][:, 0, 0, 0] // 4
            np.testing.assert_array_equal(values[found["label"]], label[at])
        factors = np.stack([np.arange(36) % 2 * 2**31, np.arange(36) % 3 + 1], 1)
        data = build(self.write(tmp_path, x=self.x, factors=factors))
        assert data.factors == {"factor_0": 2, "factor_1": 3}
        assert all_of(data)["factors"].max(0).tolist() == [1, 2]

    def test_floats_between_ends_that_the_file_names(self, tmp_path):
        x = self.x.astype(np.float32) / 127.5 - 1
        x[0, 0, 0], x[0, 0, 1] = -7.0, 9.0  # as samples may
        name = self.write(tmp_path, samples=x, value_range=[-1.0, 1.0])
        found = all_of(build(name, validation_fraction=0, test_fraction=0))
        wanted = self.x.copy()
        wanted[0, 0, 0], wanted[0, 0, 1] = 0, 255
        np.testing.assert_array_equal(found["x"][..., 0], wanted)

    def test_refusals(self, tmp_path):
        def case(match, *, knobs=None, **arrays):
            refused(match, self.write(tmp_path, **arrays), **(knobs or {}))

        case("holds a, b; one array must be called x or", a=self.x, b=self.x)
        case("without pickled objects", x=np.array([{}, {}], object))
        case("35 in 'label'", x=self.x, label=np.arange(35))
        case("value 0.5; classes are whole", x=self.x, label=np.full(36, 0.5))
        case("label.* shape \\(36, 2\\)", x=self.x, label=np.ones((36, 2), int))
        case("type complex128", x=self.x, label=np.ones(36, complex))
        floats = self.x / np.float32(255)
        for span in ([1.0, -1.0], [0.0], [0.0, np.nan], np.array([0, 1])):
            case("'value_range' is no range", x=floats, value_range=span)
        case("integers with 2 axes", x=self.x, factors=np.ones((36, 2)))
        case("type int64; images are", x=self.x.astype(int))
        case("pixels from 0.0 to 2.0", x=np.full((3, 2, 2), [0.0, 2.0]))
        case("pixels from 0 to 143", x=self.x, knobs={"white": 1})
        case("images are", x=np.ones(5))
        case("not finite", x=np.full((5, 2), np.nan))
        case("2 channels", x=np.ones((5, 2, 2, 2), np.uint8))
        case("are for images", x=np.ones((5, 2)), knobs={"image_size": 8})
        case("is empty", x=self.x[:0])
        case("splits differ", x=self.x, x_test=np.ones((5, 3, 3), np.uint8))
        with zipfile.ZipFile(tmp_path / "odd.npz", "w") as archive:
            header = b"{'descr': '|u1', 'shape': (6, }\n"
            prefix = b"\x93NUMPY\x01\x00" + bytes([len(header), 0])
            archive.writestr("x.npy", prefix + header)
        refused("array 'x' cannot be read", f"npz:{tmp_path / 'odd.npz'}")
        with zipfile.ZipFile(tmp_path / "odd.npz", "w") as archive:
            archive.writestr("é.npy", b"")
        content = (tmp_path / "odd.npz").read_bytes().replace("é".encode(), b"\xff\xff")
        (tmp_path / "odd.npz").write_bytes(content)
        refused("not a whole .npz archive", f"npz:{tmp_path / 'odd.npz'}")
        broken = tmp_path / "broken.npz"
        broken.write_bytes((tmp_path / "data.npz").read_bytes()[:-30])
        refused("not a whole .npz archive", f"npz:{broken}")
        plain = tmp_path / "plain.npy"
        np.save(plain, self.x)
        refused("not a whole .npz archive", f"npz:{plain}")
        refused("no file", f"npz:{tmp_path / 'absent.npz'}")


def fill(place: pathlib.Path, values, *, shape=(3, 3)):
    place.mkdir(parents=True, exist_ok=True)
    for value in values:
        (place / f"{value:03d}.png").write_bytes(png(np.full(shape, value)))


class TestFolder:
    def test_flat(self, tmp_path):
        fill(tmp_path, range(24))
        (tmp_path / "labels.csv").write_text("a,b")
        (tmp_path / ".hidden.png").write_bytes(b"")
        data = build(f"folder:{tmp_path}", test_fraction=0, validation_fraction=0)
        assert all_of(data)["x"][:, 0, 0, 0].tolist() == list(range(24))
        assert "label" not in all_of(data)
        data = build(f"folder:{tmp_path}")
        parts = [all_of(data, split)["x"][:, 0, 0, 0] for split in data.splits]
        np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(24))
        # By the hashes of the names 000 to 023; the shares of 1/12 are met on average.
        assert [len(part) for part in parts] == [21, 2, 1]
        assert data.left_out == {".csv": 1}

    def test_classes_and_splits(self, tmp_path):
        fill(tmp_path / "train" / "b", [10, 11])
        fill(tmp_path / "train" / "a", [20])
        fill(tmp_path / "val" / "b", [12])
        fill(tmp_path / "test" / "a", [21, 22])
        data = build(f"folder:{tmp_path}", channels=3, image_size=5)
        assert data.class_names == ("a", "b")
        assert data.example_shape == (5, 5, 3)
        assert all_of(data)["x"][:, 0, 0, 0].tolist() == [20, 10, 11]
        assert all_of(data)["label"].tolist() == [0, 1, 1]
        assert all_of(data, "validation")["label"].tolist() == [1]
        assert all_of(data, "test")["x"][:, 4, 4, 2].tolist() == [21, 22]

    def test_a_new_file_moves_no_other(self, tmp_path):
        def placed(root):
            data = build(f"folder:{root}", test_fraction=0.2, validation_fraction=0.2)
            return {
                split: set(all_of(data, split)["x"][:, 0, 0, 0].tolist())
                for split in data.splits
            }

        fill(tmp_path / "one" / "a", range(40))
        fill(tmp_path / "one" / "b", range(40, 80))
        before = placed(tmp_path / "one")
        assert all(5 < len(part) for part in before.values())
        (tmp_path / "one").rename(tmp_path / "two")
        assert placed(tmp_path / "two") == before
        (tmp_path / "two" / "a" / "0000.png").write_bytes(png(np.full((3, 3), 200)))
        after = placed(tmp_path / "two")
        assert {split: part - {200} for split, part in after.items()} == before

    def test_one_image_at_least_on_either_side(self, tmp_path):
        for count in (1, 2, 3, 7):
            fill(tmp_path / str(count), range(count))
            data = build(f"folder:{tmp_path / str(count)}", validation_fraction=0.9)
            assert data.splits["train"].size >= 1
            assert data.splits["validation"].size >= min(1, count - 1)

    def test_nothing_vanishes(self, tmp_path):
        """Splits in any case, images deeper in a class, what is left out by its number."""
        fill(tmp_path / "Train" / "b" / "deep" / "er", [10, 11])
        fill(tmp_path / "Train" / "a", [20])
        fill(tmp_path / "TEST" / "a", [21])
        fill(tmp_path / "elsewhere", [1, 2, 3])
        (tmp_path / "Train" / "b" / "photo.heic").write_bytes(b"")
        (tmp_path / "Train" / "b" / "deep" / "loop").symlink_to(
            tmp_path / "Train" / "b"
        )
        knobs = {"validation_fraction": 0}
        data = build(f"folder:{tmp_path}", **knobs)
        assert data.class_names == ("a", "b")
        assert all_of(data)["x"][:, 0, 0, 0].tolist() == [20, 10, 11]
        assert all_of(data, "test")["x"][:, 0, 0, 0].tolist() == [21]
        assert data.left_out == {"images outside the splits": 3, ".heic": 1}
        (tmp_path / "Train" / "c").mkdir()
        (tmp_path / "Train" / "c" / "photo.heic").write_bytes(b"")
        refused("c holds no images and 1 other files, photo.heic", f"folder:{tmp_path}")
        (tmp_path / "test").mkdir()
        refused("folders TEST and test for one split", f"folder:{tmp_path}")

    def test_gray_joins_colour(self, tmp_path):
        fill(tmp_path, [1], shape=(3, 3, 3))
        fill(tmp_path, [2])
        data = build(f"folder:{tmp_path}", test_fraction=0, validation_fraction=0)
        assert all_of(data)["x"].shape == (2, 3, 3, 3)

    def test_refusals(self, tmp_path):
        knobs = {"test_fraction": 0, "validation_fraction": 0}
        refused("no folder", f"folder:{tmp_path / 'absent'}")
        refused("holds no images", f"folder:{tmp_path}")
        flat = tmp_path / "flat"
        fill(flat, [1, 2])
        refused("image_size 0", f"folder:{flat}", image_size=0)
        (flat / "003.png").write_bytes(png(np.zeros((4, 4))))
        refused(r"003.png has shape \(4, 4, 1\)", f"folder:{flat}", **knobs)
        (flat / "003.png").write_bytes(png(np.zeros((3, 3, 3))))
        refused("set image_size and channels", f"folder:{flat}", **knobs)
        assert build(f"folder:{flat}", channels=1).example_shape == (3, 3, 1)
        all_of(build(f"folder:{flat}", channels=1, **knobs))
        (flat / "003.png").write_bytes(b"damaged")
        refused("003.png cannot be read", f"folder:{flat}", **knobs)
        fill(flat / "class", [5])
        refused("beside class folders", f"folder:{flat}")
        split = tmp_path / "split"
        fill(split / "test" / "a", [1])
        refused("none called train", f"folder:{split}")
        fill(split / "train" / "b", [1])
        refused("is of class a; train has b", f"folder:{split}")


def test_what_is_skipped_has_no_part_in_the_fingerprint(tmp_path):
    for place in ("train", "trainA", "trainB"):
        fill(tmp_path / place, range(6), shape=(4, 4, 3))
        (tmp_path / place / "dangling.png").symlink_to("nowhere")
        (tmp_path / place / "folder.png").mkdir()
    (tmp_path / "again").symlink_to("train")
    for kind, root, count in (
        ("folder", tmp_path, 6),
        ("paired_folder", tmp_path, 12),
        ("unpaired_folder", tmp_path, 12),
    ):
        data = build(f"{kind}:{root}", skip_unreadable=True)
        assert fingerprint(data)["count"] == count
        assert data.left_out["unreadable"] == (4 if kind == "unpaired_folder" else 2)
        outside = {"folder": 16, "paired_folder": 8, "unpaired_folder": 8}[kind]
        assert data.left_out["images outside the splits"] == outside


def test_what_older_runs_held_out_of_two_domains(tmp_path):
    for kind in ("paired_folder", "unpaired_folder"):
        root = tmp_path / kind
        for place in ("trainA", "trainB", "valA", "valB"):
            fill(root / place, range(12))
        data = build(f"{kind}:{root}")
        with pytest.raises(InputError, match="without a folder for test"):
            check_older(data, run="run")
        check_older(build(f"{kind}:{root}", test_fraction=0.0), run="run")
        for place in ("testA", "testB"):
            fill(root / place, range(12))
        check_older(build(f"{kind}:{root}"), run="run")


def test_large_labels_of_two_types():
    large = 2**62 + 1
    parts = [np.array([large, 3], np.uint64), np.array([large - 1, 3])]
    classes = ClassLabels.of(parts, where="label")
    assert classes.names == ("3", str(large - 1), str(large))
    assert classes.index(parts[0], where="label").tolist() == [2, 0]


def test_emoji_folder():
    place = SHARED / "emoji" / "trainA"
    if not place.is_dir():
        pytest.skip("needs the folder of emoji")
    data = build(f"folder:{place}", image_size=16)
    assert sum(split.size for split in data.splits.values()) == len(
        list(place.glob("*.png"))
    )
    raw = data.splits["test"].gather(np.arange(8))
    assert raw["x"].shape == (8, 16, 16, 3)
