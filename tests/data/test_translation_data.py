"""Two domains of images: folders, degradations, sprites, and pairs that stay pairs."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from data_cases import Numbers, all_of, build, prepare_tfds, refused
from ml_collections import ConfigDict

from genlab.config import override
from genlab.data import images
from genlab.data.alignment import align
from genlab.data.degrade import degradations
from genlab.data.prepare import Preparation
from genlab.data.record_domains import two_domains
from genlab.data.shape_pairs import FACTORS, partners
from genlab.data.shapes import index_of_train
from genlab.errors import InputError

Image = pytest.importorskip("PIL.Image")


def write(place, name, value, size=(4, 6), mode="RGB"):
    """An image of one value; `size` is (height, width)."""
    place.mkdir(parents=True, exist_ok=True)
    depth = {"L": (), "RGB": (3,), "RGBA": (4,)}[mode]
    Image.fromarray(np.full((*size, *depth), value, np.uint8)).save(place / name)


@pytest.fixture
def folder(tmp_path):
    """Six training pairs and two test pairs; B is A plus 100."""
    for split, numbers in (("train", range(6)), ("test", (10, 11))):
        for i in numbers:
            write(tmp_path / f"{split}A", f"{i}.png", i)
            write(tmp_path / f"{split}B", f"{i}.png", 100 + i)
    return tmp_path


def values(data, split):
    found = all_of(data, split)
    return [found[name][:, 0, 0, 0].tolist() for name in "xy"]


class TestPairedFolder:
    def test_pairs_by_name_in_both_directions(self, folder):
        data = build(f"paired_folder:{folder}", validation_fraction=0)
        assert data.paired and data.example_shape == data.target_shape == (4, 6, 3)
        x, y = values(data, "train")
        assert x == [0, 1, 2, 3, 4, 5] and y == [100, 101, 102, 103, 104, 105]
        assert values(data, "test") == [[10, 11], [110, 111]]
        back = build(f"paired_folder:{folder}", direction="b_to_a")
        assert values(back, "test") == [[110, 111], [10, 11]]

    def test_two_images_side_by_side(self, tmp_path):
        for i in range(3):
            both = np.full((4, 12, 3), i, np.uint8)
            both[:, 6:] = 100 + i
            (tmp_path / "train").mkdir(exist_ok=True)
            Image.fromarray(both).save(tmp_path / "train" / f"{i}.png")
        data = build(
            f"paired_folder:{tmp_path}",
            image_size=(2, 3),
            validation_fraction=0,
            test_fraction=0,
        )
        assert data.example_shape == (2, 3, 3)
        assert values(data, "train") == [[0, 1, 2], [100, 101, 102]]
        write(tmp_path / "train", "odd.png", 0, (4, 7))
        refused("7 pixels wide.*even width", f"paired_folder:{tmp_path}")

    def test_gray_alpha_and_sizes_per_domain(self, tmp_path):
        write(tmp_path / "trainA", "a.png", 50, (3, 3), "L")
        write(tmp_path / "trainB", "a.png", (9, 9, 9, 0), (6, 6), "RGBA")
        data = build(
            f"paired_folder:{tmp_path}", validation_fraction=0, test_fraction=0
        )
        assert (data.example_shape, data.target_shape) == ((3, 3, 1), (6, 6, 3))
        assert values(data, "train") == [[50], [255]]

    def test_names_the_picture_without_partner(self, folder):
        (folder / "trainB" / "3.png").unlink()
        refused(
            "trainA holds 6 .* 5; 3.png of trainA has no partner",
            f"paired_folder:{folder}",
        )
        write(folder / "trainB", "seven.png", 0)
        refused("3.png of trainA has no", f"paired_folder:{folder}")

    def test_unreadable_is_refused_or_skipped_and_counted(self, folder, caplog):
        (folder / "trainB" / "3.png").write_bytes(b"no image")
        refused("3.png cannot be read", f"paired_folder:{folder}")
        data = build(
            f"paired_folder:{folder}", skip_unreadable=True, validation_fraction=0
        )
        assert values(data, "train")[0] == [0, 1, 2, 4, 5]
        assert data.left_out == {"unreadable": 1} and "skipped 1 of 6" in caplog.text

    @pytest.mark.parametrize("kind", ["paired_folder", "unpaired_folder"])
    def test_refuses_what_is_not_there(self, kind, folder, tmp_path):
        refused("no folder 'nowhere'", f"{kind}:nowhere")
        refused("direction 'AtoB'", f"{kind}:{folder}", direction="AtoB")
        refused("image_size", f"{kind}:{folder}", image_size=(4, 4, 4))
        empty = tmp_path / "empty"
        (empty / "trainA").mkdir(parents=True)
        refused("no partner|trainA holds no images", f"{kind}:{empty}")
        (empty / "trainB").mkdir()
        refused("trainA holds no images", f"{kind}:{empty}")


def half_a_file(path):
    """Leaves the first half of a file: its header can be read and its pixels cannot."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


class TestUnreadable:
    """`folder` holds pairs; trainA alone is a folder of one domain."""

    KINDS = ("folder", "paired_folder", "unpaired_folder")

    def place(self, kind, folder):
        if kind == "folder":
            (folder / "trainA").rename(folder / "train")
            (folder / "testA").rename(folder / "test")
            return folder / "train", folder / "test"
        return folder / "trainA", folder / "testA"

    @pytest.mark.parametrize("kind", KINDS)
    def test_headers_of_all_splits_are_checked_before_training(self, kind, folder):
        _, test = self.place(kind, folder)
        build(f"{kind}:{folder}")
        (test / "11.png").write_bytes(b"no image")
        with pytest.raises(InputError, match=r"11.png cannot be read"):
            build(f"{kind}:{folder}")
        write(test, "11.png", 0, (5, 5))
        with pytest.raises(InputError, match=r"11.png has shape \(5, 5, 3\)"):
            build(f"{kind}:{folder}")
        assert (
            build(f"{kind}:{folder}", image_size=4).left_out.get("unreadable") is None
        )

    @pytest.mark.parametrize("kind", KINDS)
    def test_damaged_pixels_are_skipped_where_asked_for(self, kind, folder, caplog):
        train, test = self.place(kind, folder)
        for file in (train / "3.png", test / "11.png"):
            noise = np.random.default_rng(0).integers(0, 256, (4, 6, 3), np.uint8)
            Image.fromarray(noise).save(file)
            half_a_file(file)
        data = build(f"{kind}:{folder}", skip_unreadable=True, validation_fraction=0)
        assert data.left_out["unreadable"] == 2
        assert set(all_of(data)["x"][:, 0, 0, 0]) == {0, 1, 2, 4, 5}
        assert set(all_of(data, "test")["x"][:, 0, 0, 0]) == {10}
        assert "skipped 1 of 6" in caplog.text and "skipped 1 of 2" in caplog.text
        refused(r"(3|11).png cannot be read", f"{kind}:{folder}", test_fraction=0)
        (test / "10.png").write_bytes(b"")
        refused(
            "nothing in test that can be read",
            f"{kind}:{folder}",
            skip_unreadable=True,
        )

    def test_an_odd_width_is_a_mistake_and_not_skipped(self, tmp_path):
        for name, width in (("a.png", 4), ("b.png", 5)):
            write(tmp_path, name, 0, (2, width))
        refused("even width", f"paired_folder:{tmp_path}", skip_unreadable=True)

    def test_a_turned_image_counts_by_what_it_becomes(self, tmp_path):
        """Orientation 6 turns 4 x 6 pixels into 6 x 4."""
        write(tmp_path, "a.jpg", 9, (6, 4))
        exif = Image.Exif()
        exif[0x0112] = 6
        turned = Image.fromarray(np.full((4, 6, 3), 9, np.uint8))
        turned.save(tmp_path / "b.jpg", exif=exif)
        data = build(f"folder:{tmp_path}", validation_fraction=0, test_fraction=0)
        assert all_of(data)["x"].shape == (2, 6, 4, 3)


class TestAlignment:
    def test_pairs_that_share_a_name_are_parted(self):
        """Shared names of 6 and 3, of 4 and 2, and three that no shift parts."""
        for xs, ys in (("abcdef", "abc"), ("abcd", "ab"), ("abcdef", "ace")):
            for one, other in ((xs, ys), (ys, xs)):
                rows = align(one, other, apart=True)
                assert all(one[i] != other[j] for i, j in rows)
                longer = 0 if len(one) > len(other) else 1
                assert sorted(rows[:, longer]) == list(range(len(xs)))
                assert np.bincount(rows[:, 1 - longer]).tolist() == [
                    len(xs) // len(ys)
                ] * len(ys)

    def test_no_name_meets_itself_where_that_can_be(self):
        """Against every order of the same column, for lists with repeated names."""
        generator = np.random.default_rng(0)
        parted = 0
        for _ in range(200):
            sizes = generator.integers(1, 6, 2)
            xs, ys = ("".join(generator.choice(list("abcd"), n)) for n in sizes)
            rows = align(xs, ys, apart=True)
            left, right = [xs[i] for i in rows[:, 0]], [ys[j] for j in rows[:, 1]]
            possible = any(
                all(a != b for a, b in zip(left, order, strict=True))
                for order in itertools.permutations(right)
            )
            assert possible == all(a != b for a, b in zip(left, right, strict=True))
            parted += possible
        assert 50 < parted < 190

    def test_held_out_places_stay(self):
        assert align("abc", "ab", apart=False).tolist() == [[0, 0], [1, 1], [2, 0]]
        assert align("abc", "", apart=True).shape == (0, 2)


class TestUnpairedFolder:
    def test_training_sees_no_partners_and_held_out_ones_keep_theirs(self, folder):
        data = build(f"unpaired_folder:{folder}", validation_fraction=0)
        x, y = values(data, "train")
        assert sorted(y) == [100, 101, 102, 103, 104, 105]
        assert all(b - a != 100 for a, b in zip(x, y))
        assert data.paired and values(data, "test") == [[10, 11], [110, 111]]

    def test_domains_of_unlike_size(self, folder):
        for i in (1, 2, 4):
            (folder / "trainA" / f"{i}.png").unlink()
        (folder / "testB" / "11.png").unlink()
        data = build(f"unpaired_folder:{folder}", validation_fraction=0)
        x, y = values(data, "train")
        assert x == [0, 3, 5, 0, 3, 5]
        assert all(b - a != 100 for a, b in zip(x, y))
        assert sorted(y) == [100, 101, 102, 103, 104, 105]
        assert not data.paired


class TestRecordDomains:
    """Sources whose images hold their own index."""

    def build(self, sizes):
        return two_domains(
            "numbers",
            lambda split: Numbers(),
            sizes,
            shape=(2, 2, 1),
            validation_fraction=0.25,
            test_fraction=0.25,
        )

    def test_every_image_of_the_larger_domain_once(self):
        data = self.build({"trainA": 4, "trainB": 12, "testA": 2, "testB": 3})
        assert not data.paired and data.target_shape == (2, 2, 1)
        x, y = values(data, "train")
        held = values(data, "validation")
        assert len(y) == 9 and sorted({*y, *held[1]}) == list(range(12))
        assert sorted({*x, *held[0]}) == list(range(4)) and max(map(x.count, x)) == 3
        assert values(data, "test") == [[0, 1, 0], [0, 1, 2]]

    def test_images_of_one_place_do_not_meet_in_training(self):
        """Sources such as maps hold pairs by their place."""
        for sizes in ({"trainA": 8, "trainB": 8}, {"trainA": 9, "trainB": 4}):
            x, y = values(self.build(sizes | {"testA": 3, "testB": 3}), "train")
            assert all(a != b for a, b in zip(x, y, strict=True))

    def test_refuses_an_empty_domain(self):
        with pytest.raises(InputError, match="images in trainA and trainB"):
            self.build({"trainA": 4, "trainB": 0})


def test_tfds_of_two_domains(tmp_path):
    """A data set as TFDS prepares it, with images of many sizes."""
    splits = {"trainA": range(6), "trainB": range(50, 54)}
    splits |= {"testA": (10, 11), "testB": (60, 61, 62)}
    prepare_tfds(tmp_path, "cycle_gan/horse2zebra/3.0.0", splits)
    knobs = {"data_dir": str(tmp_path), "validation_fraction": 0.25}
    data = build("tfds:cycle_gan/horse2zebra", image_size=(4, 6), **knobs)
    assert data.example_shape == data.target_shape == (4, 6, 3)
    assert not data.paired and data.num_classes == 0
    assert data.splits["train"].gather(np.arange(2))["x"].shape == (2, 4, 6, 3)
    x, y = values(data, "train")
    held_x, held_y = values(data, "validation")
    assert len(x) == 4 and sorted({*x, *held_x}) == list(range(6))
    assert len({*y}) == 3 and sorted({*y, *held_y}) == [50, 51, 52, 53]
    assert values(data, "test") == [[10, 11, 10], [60, 61, 62]]
    refused("images of many sizes", "tfds:cycle_gan/horse2zebra", **knobs)


def test_degradation_is_a_part_of_the_command_line():
    data = {"name": "digits", "degrade": {"name": "downsample", "factor": 2}}
    config = ConfigDict({"experiment": {"name": "translator"}, "data": data})
    override.override(config, "data.degrade.factor", "4")
    assert config.data.degrade.to_dict() == {"name": "downsample", "factor": 4}
    override.override(config, "data.degrade", "edges")
    assert config.data.degrade.to_dict() == {"name": "edges"}
    override.override(config, "data.degrade", "None")
    assert config.data.degrade is None
    override.apply(config, {"data.degrade.threshold": "0.2", "data.degrade": "edges"})
    assert config.data.degrade.to_dict() == {"name": "edges", "threshold": 0.2}
    with pytest.raises(InputError, match="has no knob 'treshold'"):
        override.override(config, "data.degrade.treshold", "0.2")


class TestImageSize:
    def config(self, name, size):
        return ConfigDict({"data": {"name": name, "image_size": size}})

    def test_one_side_and_two_take_each_others_place(self):
        for name in ("folder:x", "tfds:x", "unpaired_folder:x", "npz:x"):
            config = self.config(name, 64)
            for text, value in (("(64,96)", (64, 96)), ("32", 32), ("[8, 9]", (8, 9))):
                assert override.override(config, "data.image_size", text) == value
                assert config.data.image_size == value
            with pytest.raises(InputError, match="'large' is not of type"):
                override.override(self.config(name, 64), "data.image_size", "large")

    def test_drawn_images_are_square(self):
        for name in ("shapes", "shape_pairs"):
            with pytest.raises(InputError, match="is not of type int"):
                override.override(self.config(name, 64), "data.image_size", "(8,9)")
            refused("image_size=.8, 9. is not a whole number", name, image_size=(8, 9))

    @pytest.mark.parametrize("kind", ["folder", "unpaired_folder"])
    def test_folders_are_cut_to_height_and_width(self, kind, folder):
        place = f"{kind}:{folder / 'trainA' if kind == 'folder' else folder}"
        assert build(place, image_size=(3, 2)).example_shape == (3, 2, 3)
        for wrong in ((3, 2, 1), (3.0, 2.0), 3.0, "32"):
            refused(
                "image_size.* (must be one side in pixels|is not a whole number) or",
                place,
                image_size=wrong,
            )


def test_luma_weighs_as_itu_r_601():
    """Of any number of leading axes, on the host and on the device."""
    batch = np.random.default_rng(0).random((2, 3, 4, 3)).astype(np.float32)
    expected = (batch * np.array([0.299, 0.587, 0.114])).sum(-1, keepdims=True)
    for kind in (np.asarray, jnp.asarray):
        np.testing.assert_allclose(images.luma(kind(batch)), expected, rtol=1e-6)
        np.testing.assert_array_equal(images.luma(kind(expected)), kind(expected))


class TestDegradations:
    def degrade(self, name, image, seed=0, **knobs):
        image = jnp.asarray(image, jnp.float32)
        return np.asarray(degradations.find(name)(image, jax.random.key(seed), **knobs))

    def test_downsampling_takes_means(self):
        image = np.arange(16).reshape(4, 4, 1) / 16
        small = self.degrade("downsample", image, factor=2)
        np.testing.assert_allclose(
            small[..., 0] * 16, [[2.5, 4.5], [10.5, 12.5]], rtol=1e-6
        )
        with pytest.raises(InputError, match="factor 3 does not divide"):
            self.degrade("downsample", image, factor=3)

    def test_grayscale_weighs_as_itu_r_601(self):
        image = np.zeros((1, 1, 3)) + [1, 0.5, 0]
        gray = self.degrade("grayscale", image)
        np.testing.assert_allclose(gray, [[[0.299 + 0.587 / 2]]], rtol=1e-6)
        with pytest.raises(InputError, match="have none"):
            self.degrade("grayscale", np.zeros((2, 2, 1)))

    def test_edges_of_a_step(self):
        image = np.zeros((5, 6, 1))
        image[:, 3:] = 1
        lines = self.degrade("edges", image)[..., 0]
        np.testing.assert_array_equal(lines, np.tile([0, 0, 1, 1, 0, 0], (5, 1)))

    def test_edges_of_a_corner_are_steeper_than_of_a_step(self):
        """Sobel's (4, 2) / 4 at this corner, of length sqrt(5) / 2; (4, 0) / 4 at a step."""
        corner = np.array([[0, 0, 1], [0, 0, 1], [0, 1, 1]])[..., None]
        assert self.degrade("edges", corner, threshold=1.0)[1, 1, 0] == 1
        step = np.array([[0, 0, 1]] * 3)[..., None]
        assert self.degrade("edges", step, threshold=1.0).max() == 0
        assert self.degrade("edges", step, threshold=0.99)[1, 1, 0] == 1

    @pytest.mark.parametrize("count", [0, -1])
    @pytest.mark.parametrize("name", ["box_holes", "stroke_holes"])
    def test_no_hole_is_refused(self, name, count):
        with pytest.raises(InputError, match=rf"degrade.count={count} is outside"):
            self.degrade(name, np.zeros((4, 4, 1)), count=count)

    @pytest.mark.parametrize("name", ["box_holes", "stroke_holes"])
    def test_holes_are_marked_and_gray_and_differ(self, name):
        image = np.full((24, 16, 3), 0.8)
        holed = [self.degrade(name, image, seed) for seed in range(20)]
        for picture in holed:
            hole = picture[..., 3] == 1
            assert 0.02 < hole.mean() < 0.6
            np.testing.assert_allclose(picture[hole][:, :3], 0.5)
            np.testing.assert_allclose(picture[~hole][:, :3], 0.8)
        assert len({picture.tobytes() for picture in holed}) == 20

    def test_a_box_has_the_sides_asked_for(self):
        hole = self.degrade("box_holes", np.zeros((20, 40, 1)), least=0.5, most=0.5)
        rows, columns = (hole[..., 1].any(axis).sum() for axis in (1, 0))
        assert (rows, columns) == (10, 20)

    def test_noise_is_clipped_and_has_its_deviation(self):
        noisy = self.degrade("noise", np.full((64, 64, 1), 0.5), std=0.1)
        assert abs(noisy.std() - 0.1) < 0.005
        assert self.degrade("noise", np.ones((8, 8, 1)), std=5.0).max() == 1


class TestPreparation:
    @property
    def raw(self):
        generator = np.random.default_rng(0)
        return {"x": generator.integers(0, 256, (6, 8, 8, 3), np.uint8)}

    def test_pairs_are_augmented_alike(self):
        preparation = Preparation(
            value_range=(-1, 1),
            augment=({"name": "random_jitter", "enlarge": 3}, "horizontal_flip"),
        )
        batch = preparation(
            {**self.raw, "y": 255 - self.raw["x"]}, jax.random.key(0), True
        )
        np.testing.assert_allclose(batch["x"], -batch["y"], atol=1e-5)
        plain = preparation(self.raw, jax.random.key(0), False)
        assert np.abs(batch["x"] - plain["x"]).max() > 0.1

    def test_degradation_makes_pairs_after_augmentation(self):
        preparation = Preparation(
            augment=("horizontal_flip",), degrade=dict(name="downsample", factor=4)
        )
        batch = preparation(self.raw, jax.random.key(0), True)
        means = np.asarray(batch["y"]).reshape(6, 2, 4, 2, 4, 3).mean((2, 4))
        np.testing.assert_allclose(batch["x"], means, atol=1e-6)
        assert np.abs(batch["y"] * 255 - self.raw["x"]).max() > 1

    def test_says_what_examples_become(self):
        data = build("digits", image_size=16)
        outcome = Preparation(degrade="box_holes").outcome(data)
        assert outcome.example_shape == (16, 16, 2)
        assert outcome.target_shape == (16, 16, 1) and outcome.paired
        assert Preparation().outcome(data) is data

    def test_refuses_what_makes_no_pairs(self):
        both = {**self.raw, "y": self.raw["x"]}
        with pytest.raises(InputError, match="has two"):
            Preparation(degrade="edges")(both, jax.random.key(0), False)
        with pytest.raises(InputError, match="has two"):
            Preparation(binarize="dynamic").outcome(build("shape_pairs"))
        with pytest.raises(InputError, match="degradation 'edge'.*'edges'"):
            Preparation(degrade="edge")
        with pytest.raises(InputError, match="degradation {'factor': 2} needs a name"):
            Preparation(degrade=dict(factor=2))
        with pytest.raises(InputError, match="no knob 'times'"):
            Preparation(degrade=dict(name="downsample", times=2))
        with pytest.raises(InputError, match="makes no pairs"):
            Preparation(degrade="edges", binarize="dynamic")
        small = {**self.raw, "y": self.raw["x"][:, :4]}
        with pytest.raises(InputError, match="augmented alike"):
            Preparation(augment=("horizontal_flip",))(small, jax.random.key(0), True)


class TestShapePairs:
    def test_partners_share_their_factors(self):
        data = build("shape_pairs", change="ink", image_size=16)
        batch = data.splits["test"].gather(np.arange(0, 3000, 300))
        rendered = data.render(jnp.asarray(batch["factors"]))
        np.testing.assert_array_equal(batch["y"], rendered)
        white, ink = batch["x"][..., 0], batch["y"].max(-1)
        assert (ink[white == 255] >= 229).all() and (ink[white == 0] == 0).all()

    def test_outlines_lie_inside_the_filled_sprite(self):
        data = build("shape_pairs", change="fill", image_size=32)
        batch = data.splits["validation"].gather(np.arange(0, 3000, 300))
        x, y = (batch[name].astype(int) for name in "xy")
        assert (x <= y).all() and (x.sum((1, 2, 3)) < y.sum((1, 2, 3))).all()

    @pytest.mark.full
    def test_unpaired_training_sees_another_sprite(self):
        data = build("shape_pairs", change="fill", paired=False, image_size=16)
        batch = data.splits["train"].gather(np.arange(0, 30_000, 3000))
        true = data.render(jnp.asarray(batch["factors"]))
        assert (np.abs(batch["y"].astype(int) - true).max((1, 2, 3)) > 100).all()
        held = data.splits["test"].gather(np.arange(5))
        np.testing.assert_array_equal(
            held["y"], data.render(jnp.asarray(held["factors"]))
        )

    def test_unpaired_partners_agree_as_often_as_chance(self):
        size = build("shape_pairs", image_size=8).splits["train"].size
        others = partners(size)
        np.testing.assert_array_equal(np.sort(others), np.arange(size))
        assert (others != np.arange(size)).all()
        ours, theirs = (
            np.stack(np.unravel_index(index_of_train(index), tuple(FACTORS.values())))
            for index in (np.arange(size), others)
        )
        same = ours == theirs
        chance = [1 / count for count in FACTORS.values()]
        np.testing.assert_allclose(same.mean(1), chance, rtol=0.03)
        # Size, orientation, x and y at once: 2.5 of the 38,990 by chance.
        assert same[1:].all(0).sum() < 8

    def test_unpaired_training_draws_the_partner(self):
        data = build("shape_pairs", change="fill", paired=False, image_size=16)
        train, rows = data.splits["train"], np.arange(0, 30_000, 3000)
        other = train.gather(partners(train.size)[rows])["factors"]
        drawn = data.render(jnp.asarray(other))
        np.testing.assert_array_equal(train.gather(rows)["y"], drawn)

    def test_refuses_an_unknown_change(self):
        refused("change 'filled' .* 'fill'", "shape_pairs", change="filled")
