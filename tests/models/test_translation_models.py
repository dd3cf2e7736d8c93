"""Networks of image translation against counts by hand, closed forms and torch."""

import hashlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genlab.data import bicubic
from genlab.errors import InputError
from genlab.models.patchgan import PatchDiscriminator
from genlab.models.resnet_generator import ResnetGenerator
from genlab.models.super_resolution import SubpixelResnet
from genlab.models.unet import UNet
from genlab.models.vgg import load_vgg19
from genlab.nn.normed import NormedConv
from genlab.objectives.perceptual import vgg_perceptual


def count(module, *shapes):
    inputs = [jnp.zeros((1, *shape)) for shape in shapes]
    variables = jax.eval_shape(lambda key: module.init(key, *inputs), jax.random.key(0))
    return sum(leaf.size for leaf in jax.tree.leaves(variables["params"]))


def applied(module, x, **options):
    variables = module.init(jax.random.key(0), x)
    return module.apply(variables, x, **options)


def image(*shape):
    return jax.random.uniform(jax.random.key(1), shape, minval=-1.0)


class TestCounts:
    """Weights k * k * in * out, two numbers a channel of batch norm, one a bias."""

    def test_unet_of_the_paper(self):
        widths = [64, 128, 256, 512, 512, 512, 512, 512]
        down = sum(16 * a * b for a, b in zip([3, *widths], widths))
        up = 16 * 512 * 512  # the innermost, without a skip
        up += sum(16 * 2 * a * b for a, b in zip(widths[:0:-1], widths[-2::-1]))
        up -= (
            16 * 512 * 512 * 2
        )  # the pair (512, 512) at the inner end is the line above
        last = 16 * 128 * 3 + 3
        norms = 2 * (128 + 256 + 512 * 4) + 2 * (512 * 4 + 256 + 128 + 64)
        assert down + up + last + norms == 54_413_955
        assert count(UNet((256, 256, 3)), (256, 256, 3)) == 54_413_955

    def test_patchgan_of_the_papers(self):
        body = 16 * (64 * 128 + 128 * 256 + 256 * 512) + 16 * 512 + 1
        pair = body + 16 * 6 * 64 + 64 + 2 * (128 + 256 + 512)
        alone = body + 16 * 3 * 64 + 64 + (128 + 256 + 512)
        assert (pair, alone) == (2_768_705, 2_764_737)
        assert count(PatchDiscriminator(), (64, 64, 3), (64, 64, 3)) == pair
        assert count(PatchDiscriminator(norm="instance"), (64, 64, 3)) == alone

    @pytest.mark.parametrize(
        ("blocks", "total"), [(9, 11_378_179), (6, 11_378_179 - 3 * 1_180_160)]
    )
    def test_residual_generator_of_the_paper(self, blocks, total):
        ends = 49 * 3 * 64 + 64 + 49 * 64 * 3 + 3
        between = 9 * (64 * 128 + 128 * 256) * 2 + 128 + 256 + 128 + 64
        assert ends + between + blocks * 2 * (9 * 256 * 256 + 256) == total
        generator = ResnetGenerator((256, 256, 3), blocks=blocks)
        assert count(generator, (256, 256, 3)) == total


@pytest.mark.parametrize(
    ("layers", "side"),
    [(0, 1), (1, 16), (2, 34)]
    + [pytest.param(*more, marks=pytest.mark.full) for more in ((3, 70), (5, 286))],
)
def test_receptive_field_of_a_patch(layers, side):
    module = PatchDiscriminator(width=1, layers=layers, norm="none")
    size = max(
        96, side + 3 * 2**layers
    )  # an odd number of logits: the middle sees no border
    x = image(1, size, size, 1)
    variables = module.init(jax.random.key(0), x)

    def middle(x):
        logits = module.apply(variables, x)
        return logits[0, logits.shape[1] // 2, logits.shape[2] // 2]

    slope = np.abs(jax.grad(middle)(x))[0, :, :, 0]
    for axis in (0, 1):
        seen = np.flatnonzero(slope.max(axis))
        assert seen[-1] - seen[0] + 1 == side


class TestUNet:
    @pytest.mark.parametrize(
        "size",
        [
            (17, 23),
            pytest.param((16, 16), marks=pytest.mark.full),
            pytest.param((31, 16), marks=pytest.mark.full),
        ],
    )
    def test_keeps_odd_sizes(self, size):
        network = UNet((*size, 2), width=2, depth=4, norm="instance")
        assert applied(network, image(2, *size, 3)).shape == (2, *size, 2)

    def test_refuses_images_below_its_stride(self):
        with pytest.raises(InputError, match=r"12 x 40 .* = 16; take depth 3"):
            applied(UNet((12, 40, 1), width=2, depth=4), image(1, 12, 40, 1))
        with pytest.raises(InputError, match="3 x 9 .* = 4; take larger images"):
            applied(UNet((3, 9, 1), width=2, depth=2), image(1, 3, 9, 1))

    def test_drops_out_in_training_alone(self):
        network = UNet((8, 8, 1), width=2, depth=3, norm="instance")
        x = image(1, 8, 8, 1)
        variables = network.init(jax.random.key(0), x)
        draw = lambda seed: network.apply(
            variables, x, train=True, rngs={"dropout": jax.random.key(seed)}
        )
        assert np.abs(draw(0) - draw(1)).max() > 1e-4
        still = network.apply(variables, x)
        np.testing.assert_array_equal(still, network.apply(variables, x))

    def test_sees_the_latent(self):
        network = UNet((8, 8, 1), width=2, depth=2, norm="instance")
        x = image(1, 8, 8, 1)
        variables = network.init(jax.random.key(0), x, jnp.zeros((1, 3)))
        one, other = (
            network.apply(variables, x, jnp.full((1, 3), v)) for v in (0.0, 1.0)
        )
        assert np.abs(one - other).max() > 1e-5


def test_residual_generator_keeps_odd_sizes_and_refuses_tiny_ones():
    network = ResnetGenerator((9, 14, 1), width=2, blocks=1)
    assert applied(network, image(1, 9, 14, 3)).shape == (1, 9, 14, 1)
    with pytest.raises(InputError, match="5 x 9 pixels are too small"):
        applied(network, image(1, 5, 9, 3))


def test_enlargement_starts_from_bicubic():
    network = SubpixelResnet((4, 5, 3), (12, 15, 3), width=2, blocks=1)
    x = image(2, 8, 6, 3)  # another size than it was made for
    enlarged = bicubic.resize(x, 24, 18)
    np.testing.assert_allclose(applied(network, x), enlarged, atol=1e-6)
    with pytest.raises(InputError, match="cannot enlarge"):
        applied(SubpixelResnet((4, 4, 3), (6, 6, 3)), image(1, 4, 4, 3))


class TestNormedConv:
    def test_bias_before_instance_norm_has_no_gradient(self):
        layer = NormedConv(3, 3, norm="instance")
        x = image(2, 6, 6, 2)
        variables = layer.init(jax.random.key(0), x)
        loss = lambda v: jnp.sum(jnp.square(layer.apply(v, x) - 0.3))
        slopes = jax.grad(loss)(variables)["params"]
        assert np.all(slopes["bias"] == 0)
        assert np.abs(slopes["conv"]["kernel"]).max() > 0

    @pytest.mark.parametrize(
        ("norm", "wanted", "declared"),
        [
            ("none", True, True),
            ("none", False, False),
            ("batch", True, False),
            ("instance", False, True),
        ],
    )
    def test_use_bias_counts_without_a_norm_alone(self, norm, wanted, declared):
        layer = NormedConv(3, 3, norm=norm, use_bias=wanted)
        variables = layer.init(jax.random.key(0), image(1, 4, 4, 2))
        params = variables["params"]
        assert ("bias" in params or "bias" in params["conv"]) == declared

    def test_resizing_leaves_no_checkerboard(self):
        x = jnp.ones((1, 6, 6, 2))
        for upsampling, even in (
            ("resize", True),
            ("bilinear", True),
            ("transposed", False),
        ):
            layer = NormedConv(1, 3, norm="none", upsampling=upsampling)
            inner = applied(layer, x)[0, 4:8, 4:8, 0]
            assert (np.ptp(np.asarray(inner)) < 1e-6) == even

    def test_refuses_unknown_names(self):
        with pytest.raises(InputError, match="norm 'bach' .* 'batch'"):
            applied(NormedConv(1, 3, norm="bach"), image(1, 4, 4, 1))
        with pytest.raises(InputError, match="upsampling 'bilinar' .* 'bilinear'"):
            applied(NormedConv(1, 3, upsampling="bilinar"), image(1, 4, 4, 1))


class TestVgg:
    PLAN = (64, 64, "M", 128, 128, "M", 256, 256, 256, 256, "M") + (
        512,
        512,
        512,
        512,
        "M",
        512,
    )

    @pytest.fixture
    def torch(self):
        return pytest.importorskip("torch")

    @pytest.mark.full
    def test_maps_equal_torch(self, torch, tmp_path):
        from safetensors.numpy import save

        generator = np.random.default_rng(0)
        weights, layers, depth = {}, [], 3
        for entry in self.PLAN:
            if entry == "M":
                layers.append(None)
                continue
            name = f"features.{len(layers)}"
            kernel = generator.normal(size=(entry, depth, 3, 3)) * (9 * depth) ** -0.5
            weights[f"{name}.weight"] = kernel.astype(np.float32)
            bias = generator.normal(size=entry) * 0.1
            weights[f"{name}.bias"] = bias.astype(np.float32)
            layers += [name, "relu"]
            depth = entry
        content = save(weights)
        (tmp_path / "vgg.safetensors").write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        images = generator.uniform(size=(1, 16, 20, 3)).astype(np.float32)
        ours = load_vgg19(str(tmp_path / "vgg.safetensors"), digest)(images)
        y = torch.from_numpy(images.transpose(0, 3, 1, 2))
        mean = torch.tensor([0.485, 0.456, 0.406]).reshape(1, 3, 1, 1)
        y = (y - mean) / torch.tensor([0.229, 0.224, 0.225]).reshape(1, 3, 1, 1)
        theirs = []
        for place, layer in enumerate(layers):
            if layer is None:
                y = torch.nn.functional.max_pool2d(y, 2)
            elif layer == "relu":
                y = torch.relu(y)
                if place in (1, 6, 11, 20, 29):
                    theirs.append(y.numpy().transpose(0, 2, 3, 1))
            else:
                kernel, bias = (
                    torch.from_numpy(weights[f"{layer}.{kind}"])
                    for kind in ("weight", "bias")
                )
                y = torch.nn.functional.conv2d(y, kernel, bias, padding=1)
        assert len(ours) == len(theirs) == 5
        for a, b in zip(ours, theirs):
            np.testing.assert_allclose(a, b, atol=1e-4)
        with pytest.raises(InputError, match="has the checksum"):
            load_vgg19(str(tmp_path / "vgg.safetensors"), "0" * 64)
        given = dict(weights=str(tmp_path / "vgg.safetensors"), sha256=digest)
        target = 2 * jnp.asarray(images) - 1
        distance = lambda a: vgg_perceptual(a, 0.5 * target, **given).sum()
        value, slope = jax.value_and_grad(distance)(target)
        gaps = [
            np.square(a - b).mean() / np.square(b).mean()
            for a, b in zip(ours, load_vgg19(*given.values())((0.5 * target + 1) / 2))
        ]
        np.testing.assert_allclose(value, np.mean(gaps), rtol=1e-3)
        assert np.isfinite(slope).all() and np.abs(slope).max() > 0

    def write(self, folder, shape):
        """A file whose first kernel has a shape, and whose others are there by name."""
        from safetensors.numpy import save

        positions = [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28]
        widths = [entry for entry in self.PLAN if entry != "M"]
        weights, depth = {}, 3
        for position, width in zip(positions, widths, strict=True):
            kernel = np.zeros((width, depth, 3, 3), np.float16)
            weights[f"features.{position}.weight"] = kernel
            weights[f"features.{position}.bias"] = np.zeros(width, np.float16)
            depth = width
        weights["features.0.weight"] = np.zeros(shape, np.float16)
        content = save(weights)
        file = folder / "vgg.safetensors"
        file.write_bytes(content)
        return str(file), hashlib.sha256(content).hexdigest()

    def test_refuses_images_that_four_halvings_leave_nothing_of(self, tmp_path):
        maps = load_vgg19(*self.write(tmp_path, (64, 3, 3, 3)))
        with pytest.raises(InputError, match=r"15 x 40 pixels .* take 16"):
            maps(image(1, 15, 40, 3))

    def test_refuses_kernels_of_another_network(self, tmp_path):
        message = r"'features.0.weight' .* \(64, 1, 3, 3\), and \(64, 3, 3, 3\) in VGG"
        with pytest.raises(InputError, match=message):
            load_vgg19(*self.write(tmp_path, (64, 1, 3, 3)))

    def test_downloads_nothing(self):
        with pytest.raises(InputError, match="no file .* nothing is downloaded"):
            load_vgg19("nowhere.safetensors", "0" * 64)
