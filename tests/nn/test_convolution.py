"""Convolutions against flax.linen, PyTorch, and hand-made sums."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genlab.errors import InputError
from genlab.nn import lowering, planes, products
from genlab.nn.convolution import Conv, ConvTranspose
from genlab.nn.products import Geometry

KEY = jax.random.key(0)


def images(*shape: int) -> jax.Array:
    return jax.random.normal(jax.random.fold_in(KEY, len(shape)), shape)


def derivatives(layer: nn.Module):
    """Value, gradients, gradients of a gradient penalty, and forward over reverse."""

    def loss(params, x):
        return jnp.sin(layer.apply(params, x)).sum()

    def penalty(params, x):
        return jnp.square(jax.grad(loss, 1)(params, x)).sum() / 10

    def everything(params, x):
        return (
            layer.apply(params, x),
            jax.grad(loss, (0, 1))(params, x),
            jax.grad(penalty, (0, 1))(params, x),
            jax.jvp(lambda x: jax.grad(loss)(params, x), (x,), (x,)),
        )

    return jax.jit(everything)


def assert_same(ours: nn.Module, theirs: nn.Module, x: jax.Array) -> None:
    params = theirs.init(KEY, x)
    shapes = jax.eval_shape(ours.init, KEY, x)
    assert jax.tree.map(jnp.shape, params) == jax.tree.map(jnp.shape, shapes)
    params = jax.tree.map(lambda p: p + 0.1, params)  # a bias that is not 0
    for a, b in zip(
        jax.tree.leaves(derivatives(ours)(params, x)),
        jax.tree.leaves(derivatives(theirs)(params, x)),
        strict=True,
    ):
        scale = np.abs(b).max()
        np.testing.assert_allclose(a / scale, b / scale, atol=1e-5)


@pytest.mark.parametrize(
    ("kernel", "strides", "padding", "dilation"),
    [
        (3, 1, "SAME", 1),
        (4, 2, "SAME", 1),
        (3, 2, 2, 2),
        (1, 2, "VALID", 1),
        ((2, 3), (3, 1), ((1, 2), (0, 3)), 1),
        ((9, 16), 1, "VALID", 1),
    ],
)
def test_conv_equals_flax(kernel, strides, padding, dilation):
    size = (kernel, kernel) if isinstance(kernel, int) else kernel
    assert_same(
        Conv(5, kernel, strides, padding, dilation),
        nn.Conv(5, size, strides, padding, kernel_dilation=dilation),
        images(2, 9, 16, 3),
    )


@pytest.mark.parametrize(
    ("kernel", "strides", "padding"),
    [
        (4, 2, "SAME"),
        (4, 1, "VALID"),
        (2, 3, "VALID"),
        ((3, 4), (2, 1), ((1, 2), (3, 0))),
    ],
)
def test_conv_transpose_equals_flax(kernel, strides, padding):
    size, steps = ((n, n) if isinstance(n, int) else n for n in (kernel, strides))
    assert_same(
        ConvTranspose(5, kernel, strides, padding),
        nn.ConvTranspose(5, size, steps, padding),
        images(2, 9, 8, 3),
    )


GEOMETRIES = [
    Geometry((8, 32), (4, 4), (2, 2), ((1, 1), (1, 1)), (1, 1)),
    Geometry((7, 15), (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1)),
    Geometry((6, 29), (3, 7), (2, 4), ((0, 0), (3, 2)), (1, 1)),
    Geometry((7, 9), (3, 3), (2, 2), ((0, 1), (1, 1)), (1, 1)),
    Geometry((9, 9), (3, 2), (1, 3), ((-1, 2), (0, -1)), (2, 1)),
    Geometry((4, 4), (4, 4), (1, 1), ((0, 0), (0, 0)), (1, 1)),
]


# Of patches of the image, of those of the result, and of kernels that have many taps.
SEVENTHS = Geometry((9, 12), (7, 7), (1, 1), ((3, 2), (1, 3)), (1, 1))


@pytest.mark.parametrize("room", [products, planes])
@pytest.mark.parametrize("geometry", [*GEOMETRIES, SEVENTHS])
@pytest.mark.parametrize(("channels", "features"), [(3, 4), (6, 3)])
def test_products_equal_native_convolutions(room, geometry, channels, features):
    if room is planes and not planes.wins(geometry, channels, features):
        pytest.skip("never taken")
    image = images(2, *geometry.image, channels)
    kernel = images(*geometry.kernel, channels, features)
    result = images(2, *geometry.output, features)
    operands = ((image, kernel), (result, kernel), (image, result))

    @jax.jit
    def run(operands):
        forms = (
            (room.convolve, room.convolve_adjoint, room.convolve_kernel),
            (lowering._native, lowering._native_adjoint, lowering._native_kernel),
        )
        return [
            [form(*pair, geometry=geometry) for form, pair in zip(row, operands)]
            for row in forms
        ]

    for computed, expected in zip(*run(operands), strict=True):
        np.testing.assert_allclose(computed, expected, rtol=1e-5, atol=3e-5)


def test_planes_win_where_channels_are_few_on_one_side():
    thirds = Geometry((8, 8), (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1))
    halves = Geometry((8, 8), (4, 4), (2, 2), ((1, 1), (1, 1)), (1, 1))
    whole = Geometry((4, 4), (4, 4), (1, 1), ((0, 0), (0, 0)), (1, 1))
    assert planes.wins(thirds, 3, 64) and planes.wins(halves, 3, 64)
    assert planes.wins(thirds, 64, 3)
    assert not planes.wins(halves, 64, 3)  # a result of stride 2 is no image
    assert not planes.wins(thirds, 64, 64)
    assert not planes.wins(whole, 3, 64)  # its one patch is the image as it lies
    assert thirds.turned == thirds
    assert SEVENTHS.turned.turned == SEVENTHS


def test_geometries_reach_both_forms_of_the_products():
    assert {products._overlaps_columns(g, 3, 4) for g in GEOMETRIES} == {True, False}


def test_lowering_is_products_on_cpu_and_convolutions_on_gpu():
    layer, x = Conv(4, 4, 2), images(2, 8, 8, 3)
    params = layer.init(KEY, x)
    traced = jax.jit(jax.grad(lambda p: layer.apply(p, x).sum())).trace(params)
    for platform, native in (("cpu", False), ("cuda", True), ("tpu", True)):
        text = traced.lower(lowering_platforms=(platform,)).as_text()
        assert ("stablehlo.convolution" in text) is native


def test_population_of_kernels():
    layer, x = Conv(4, 3, 2), images(3, 2, 7, 7, 2)
    params = jax.vmap(layer.init)(jax.random.split(KEY, 3), x)

    def loss(params, x):
        return jnp.sin(layer.apply(params, x)).sum()

    gradient = jax.grad(loss, (0, 1))
    members = zip(*(list(leaf) for leaf in jax.tree.leaves((params, x))), strict=True)
    tree = jax.tree.structure((params, x))
    gradients = [gradient(*tree.unflatten(member)) for member in members]
    expected = jax.tree.map(lambda *leaves: jnp.stack(leaves), *gradients)
    mapped = jax.vmap(jax.grad(loss, (0, 1)))(params, x)
    outer = jax.grad(lambda p, x: jax.vmap(loss)(p, x).sum(), (0, 1))(params, x)
    for computed in (mapped, outer):
        for a, b in zip(
            jax.tree.leaves(computed), jax.tree.leaves(expected), strict=True
        ):
            np.testing.assert_allclose(a, b, atol=1e-5)


@pytest.mark.parametrize("members", [1, 3, 17])
def test_populations_on_gpus_go_one_by_one(members):
    """No grouped convolution is lowered for them, and members keep their places."""
    x, kernel = images(members, 2, 6, 6, 3), images(members, 3, 3, 3, 4)
    sizes = Geometry((6, 6), (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1))
    form = lambda x, kernel: lowering.convolve(x, kernel, geometry=sizes)
    lowered = (
        jax.jit(jax.vmap(form)).trace(x, kernel).lower(lowering_platforms=("cuda",))
    )
    assert "feature_group_count = 1 " in lowered.as_text()
    assert f"feature_group_count = {members} " not in lowered.as_text() or members == 1
    looped = lowering.one_by_one(lowering.one_by_one(jnp.matmul))
    left, right = images(2, members, 3, 4), images(2, members, 4, 5)
    np.testing.assert_allclose(looped(left, right), left @ right, rtol=1e-5)


def test_maps_over_kernels_images_and_both():
    layer, x = Conv(4, 3, 2), images(2, 2, 7, 7, 2)
    params = jax.vmap(layer.init, (0, None))(jax.random.split(KEY, 3), x[0])
    apply = layer.apply
    table = jax.vmap(jax.vmap(apply, (None, 0)), (0, None))(params, x)
    turned = jax.vmap(jax.vmap(apply, (0, None)), (None, 0))(params, x)
    one = apply(jax.tree.map(lambda p: p[2], params), x[1])
    np.testing.assert_allclose(table[2, 1], one, atol=1e-5)
    np.testing.assert_allclose(turned[1, 2], one, atol=1e-5)


def test_jacobians_of_both_modes():
    layer, x = Conv(2, 4, 2), images(1, 4, 4, 1)
    params = layer.init(KEY, x)
    modes = (jax.jacrev, jax.jacfwd)
    reverse, forward = (mode(lambda x: layer.apply(params, x))(x) for mode in modes)
    np.testing.assert_allclose(reverse, forward, atol=1e-5)
    # A linear map is its Jacobian.
    image = jnp.tensordot(reverse, x, axes=4)
    np.testing.assert_allclose(image, layer.apply(params, x), atol=1e-5)


def test_bfloat16_is_summed_in_float32():
    """9 x 1024 ones: a sum kept in bfloat16 stops at 256."""
    layer = Conv(
        2,
        3,
        padding="VALID",
        dtype=jnp.bfloat16,
        kernel_init=nn.initializers.ones_init(),
    )
    y, params = layer.init_with_output(KEY, jnp.ones((1, 3, 3, 1024)))
    assert y.dtype == jnp.bfloat16
    assert params["params"]["kernel"].dtype == jnp.float32
    np.testing.assert_array_equal(y, np.full((1, 1, 1, 2), 9216))


@pytest.mark.parametrize(
    ("padding", "pads"),
    [
        ("REFLECT", ((1, 1), (1, 1))),
        (("REFLECT", ((2, 0), (1, 3))), ((2, 0), (1, 3))),
    ],
)
def test_reflect_padding(padding, pads):
    layer, x = Conv(2, 3, padding=padding), images(1, 5, 6, 2)
    y, params = layer.init_with_output(KEY, x)
    mirrored = np.pad(x, ((0, 0), *pads, (0, 0)), mode="reflect")
    expected = nn.Conv(2, (3, 3), padding="VALID").apply(params, mirrored)
    np.testing.assert_allclose(y, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("layer", "name"),
    [(Conv(5, 4, 2), "conv2d"), (ConvTranspose(5, 4, 2), "conv_transpose2d")],
)
def test_torch_agrees(layer, name):
    torch = pytest.importorskip("torch")
    x, kernel, bias = images(2, 8, 8, 3), images(4, 4, 3, 5), jnp.arange(5.0)
    params = {"params": {"kernel": kernel, "bias": bias}}
    weight = (
        kernel.transpose(3, 2, 0, 1)
        if name == "conv2d"
        else kernel[::-1, ::-1].transpose(2, 3, 0, 1)
    )
    their_x, their_weight, their_bias = (
        torch.tensor(np.array(a), requires_grad=True)
        for a in (x.transpose(0, 3, 1, 2), weight, bias)
    )
    theirs = getattr(torch, name)(their_x, their_weight, their_bias, 2, 1)
    torch.sin(theirs).sum().backward()

    y, vjp = jax.vjp(lambda x: layer.apply(params, x), x)
    (gradient,) = vjp(jnp.cos(y))
    for ours, other in ((y, theirs.detach()), (gradient, their_x.grad)):
        np.testing.assert_allclose(
            ours.transpose(0, 3, 1, 2), other.numpy(), rtol=1e-4, atol=1e-4
        )


@pytest.mark.parametrize(
    ("layer", "shape", "words"),
    [
        (Conv(2, 3), (4, 4, 1), r"\(4, 4, 1\); it takes \[B, H, W, C\]"),
        (Conv(2, 3, padding="same"), (1, 4, 4, 1), "'same'; one of 'SAME'"),
        (Conv(2, 5, padding="VALID"), (1, 4, 4, 1), "does not fit"),
        (Conv(2, 0), (1, 4, 4, 1), "positive integer"),
        (Conv(2, 3, padding=("REFLECT", 4)), (1, 4, 4, 1), "mirrored"),
        (ConvTranspose(2, 3, padding="REFLECT"), (1, 4, 4, 1), "'REFLECT'"),
        (ConvTranspose(2, 9, padding=0), (1, 4, 4, 1), "more padding"),
    ],
)
def test_mistakes_are_named(layer, shape, words):
    with pytest.raises(InputError, match=words):
        layer.init(KEY, jnp.zeros(shape))
