"""Minimal filtering against direct sums, XLA's own convolution, PyTorch and flax.linen."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from genlab.nn import filtering, lowering, products
from genlab.nn.convolution import Conv, ConvTranspose
from genlab.nn.filters import FILTERS
from genlab.nn.products import Geometry
from tests.nn.test_convolution import assert_same, images

SAME = ((1, 1), (1, 1))
GEOMETRIES = [
    Geometry((8, 12), (4, 4), (2, 2), SAME, (1, 1)),
    Geometry((9, 7), (4, 4), (2, 2), SAME, (1, 1)),
    Geometry((6, 8), (3, 3), (1, 1), SAME, (1, 1)),
    Geometry((7, 9), (3, 3), (1, 1), SAME, (1, 1)),
    Geometry((9, 13), (4, 3), (2, 1), ((0, 1), (2, 3)), (1, 1)),
    Geometry((11, 11), (5, 6), (2, 3), ((2, 2), (-1, 3)), (1, 1)),
]
ERROR = 2e-6  # of the largest number, in float32


@pytest.fixture
def everywhere(monkeypatch):
    """Minimal filtering wherever it can be."""
    for bound in ("GAIN", "CHANNELS", "TILES"):
        monkeypatch.setattr(filtering, bound, 0)


def operands(geometry: Geometry):
    """Of the three maps."""
    image, kernel = images(6, *geometry.image, 3), images(*geometry.kernel, 3, 4)
    result = images(6, *geometry.output, 4)
    return (image, kernel), (result, kernel), (image, result)


def computed(geometry: Geometry):
    forms = (
        filtering.convolve,
        filtering.convolve_adjoint,
        filtering.convolve_kernel,
    )
    run = lambda pairs: [f(*p, geometry=geometry) for f, p in zip(forms, pairs)]
    return jax.jit(run)(operands(geometry))


def assert_close(ours, theirs):
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=ERROR * np.abs(b).max())


@pytest.mark.parametrize("taps", FILTERS)
def test_filters_are_short_correlations(taps):
    """In integers, so exactly: each output is the sum of `taps` products."""
    f = FILTERS[taps]
    assert (f.taps, f.outputs, f.products) == (taps, 2, taps + 1)
    rng = np.random.default_rng(0)
    data, kernel = rng.integers(-9, 10, taps + 1), rng.integers(-9, 10, taps)
    seen, weighed = np.array(f.data) @ data, np.array(f.kernel) @ kernel
    y = np.array(f.output) @ (seen * weighed)
    np.testing.assert_array_equal(y, np.correlate(data, kernel, "valid"))


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_three_maps_equal_native_convolutions(geometry):
    native = (lowering._native, lowering._native_adjoint, lowering._native_kernel)
    run = lambda pairs: [f(*p, geometry=geometry) for f, p in zip(native, pairs)]
    assert_close(computed(geometry), jax.jit(run)(operands(geometry)))


@pytest.mark.parametrize("geometry", GEOMETRIES[:4])
def test_three_maps_equal_torch(geometry):
    torch = pytest.importorskip("torch")
    (image, kernel), (result, _), _ = operands(geometry)
    to_theirs = lambda a, axes: torch.tensor(np.array(a.transpose(axes)))
    x = to_theirs(image, (0, 3, 1, 2)).requires_grad_()
    weight = to_theirs(kernel, (3, 2, 0, 1)).requires_grad_()
    y = torch.conv2d(x, weight, stride=geometry.strides, padding=1)
    y.backward(to_theirs(result, (0, 3, 1, 2)))
    assert_close(
        computed(geometry),
        (
            y.detach().permute(0, 2, 3, 1).numpy(),
            x.grad.permute(0, 2, 3, 1).numpy(),
            weight.grad.permute(2, 3, 1, 0).numpy(),
        ),
    )


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (Conv(5, 4, 2), nn.Conv(5, (4, 4), 2)),
        (Conv(5, 3), nn.Conv(5, (3, 3))),
        (ConvTranspose(5, 4, 2), nn.ConvTranspose(5, (4, 4), (2, 2))),
    ],
)
def test_layers_of_any_order_equal_flax(ours, theirs, everywhere):
    assert_same(ours, theirs, images(2, 7, 6, 4))


def test_a_population_and_devices_share_it(everywhere):
    geometry = GEOMETRIES[0]
    image, kernel = images(3, 8, *geometry.image, 3), images(3, 4, 4, 3, 4)
    form = lambda x, k: lowering.convolve(x, k, geometry=geometry)
    expected = jnp.stack(
        [products.convolve(*pair, geometry=geometry) for pair in zip(image, kernel)]
    )
    np.testing.assert_allclose(
        jax.jit(jax.vmap(form))(image, kernel), expected, atol=1e-5
    )
    mesh = jax.make_mesh(
        (4,), ("batch",), axis_types=(AxisType.Auto,), devices=jax.devices()[:4]
    )
    split = NamedSharding(mesh, PartitionSpec("batch"))
    shared = jax.device_put(image[0], split)
    np.testing.assert_allclose(jax.jit(form)(shared, kernel[0]), expected[0], atol=1e-5)


def test_where_it_wins():
    """The layers of DCGAN-64 between 64 and 512 channels, of a batch of 64."""
    halves = lambda size: Geometry((size, size), (4, 4), (2, 2), SAME, (1, 1))
    assert all(
        filtering.wins(halves(size), 64, channels, 2 * channels)
        for size, channels in ((32, 64), (16, 128), (8, 256))
    )
    thirds = Geometry((32, 32), (3, 3), (1, 1), SAME, (1, 1))
    assert filtering.wins(thirds, 64, 64, 64)
    assert not filtering.wins(halves(64), 64, 3, 64)  # few channels
    assert not filtering.wins(halves(8), 4, 256, 512)  # few tiles
    assert not filtering.wins(halves(10), 64, 64, 128)  # 5 pixels are 3 tiles
    dilated = Geometry((16, 16), (3, 3), (1, 1), ((2, 2), (2, 2)), (2, 2))
    assert not filtering.wins(dilated, 64, 64, 64)
    one = Geometry((16, 16), (1, 1), (1, 1), ((0, 0), (0, 0)), (1, 1))
    assert not filtering.wins(one, 64, 64, 64)


@pytest.mark.parametrize(("dtype", "count"), [(jnp.float32, 9), (jnp.bfloat16, 1)])
def test_it_is_chosen_in_float32(dtype, count, everywhere):
    image, kernel = images(1, 8, 8, 6).astype(dtype), images(4, 4, 6, 7).astype(dtype)
    geometry = Geometry((8, 8), (4, 4), (2, 2), SAME, (1, 1))
    form = lambda x, k: lowering.convolve(x, k, geometry=geometry)
    text = jax.jit(form).trace(image, kernel).lower().as_text()
    assert text.count("stablehlo.dot_general") == count
