"""Jacobians, tangents and contraction of maps whose geometry is known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import recipes
from linear_models import LinearCoder, linear_model, narrow_data
from scipy.spatial.transform import Rotation
from sklearn.decomposition import PCA

from genlab.errors import InputError
from genlab.game.turn import State
from genlab.geometry.contraction import contraction, random_directions
from genlab.geometry.jacobian import effective_dimension, jacobian, singular_values
from genlab.geometry.model import jacobian_of
from genlab.geometry.tangent import local_pca, tangents
from genlab.metrics.local_geometry import local_geometry
from genlab.metrics.principal_subspace import largest_angle, principal_subspace
from genlab.plots import figure
from genlab.plots.embedding import latent_embedding, neighbour_plane
from genlab.plots.filters import principal_components, receptive_filters, signed_grid
from genlab.plots.geometry import contraction_curve, jacobian_spectrum
from genlab.plots.tangents import tangents as tangent_plot
from genlab.plots.vector_field import vector_field
from genlab.registry import plots
from genlab.trained.trained import Trained

SHAPE = (3, 4, 1)


@pytest.fixture
def drawn(monkeypatch):
    """Plots return their figure instead of its pixels."""
    monkeypatch.setattr(figure, "render", lambda figure: figure)


def images_model(encoder=None, decoder=None):
    """Narrow data [3, 4, 1]; the code is, without an `encoder`, along their three wide axes."""
    x, axes = narrow_data(400, SHAPE)
    encoder = axes[:, :3] if encoder is None else encoder
    return linear_model({"x": x[:300]}, {"x": x[300:]}, encoder, decoder)


def points_model(encoder, decoder=None):
    x = np.random.default_rng(0).normal(size=(50, 2))
    return linear_model({"x": x}, {"x": x}, encoder, decoder)


def degrees_between(one, other):
    """Angles between the lines along `one: [B, D]` and `other: [B, D]`, all of length 1."""
    return np.degrees(np.arccos(np.clip(np.abs(np.sum(one * other, axis=1)), 0, 1)))


@pytest.mark.parametrize("size", [3, 9])  # fewer outputs than inputs, and more
def test_jacobian_of_a_linear_map_is_its_matrix(size):
    generator = np.random.default_rng(0)
    matrix = generator.normal(size=(size, 6)).astype(np.float32)
    x = generator.normal(size=(5, 2, 3)).astype(np.float32)

    def linear(x):
        return x.reshape(len(x), 6) @ matrix.T

    found = jax.jit(lambda x: jacobian(linear, x, chunk=2))(x)
    np.testing.assert_allclose(found, np.tile(matrix, (5, 1, 1)), rtol=1e-6)
    expected = np.linalg.svd(matrix.astype(np.float64), compute_uv=False)
    values = singular_values(linear, x, chunk=2)
    np.testing.assert_allclose(values, np.tile(expected, (5, 1)), rtol=1e-5)


def test_jacobian_of_each_example_is_at_that_example():
    x = jnp.array([[1.0, 2.0], [3.0, -4.0]])
    found = jacobian(lambda x: jnp.stack([x[:, 0] * x[:, 1], x[:, 0] ** 2], 1), x)
    np.testing.assert_allclose(found, [[[2, 1], [2, 0]], [[-4, 3], [6, 0]]])


@pytest.mark.parametrize("rank", [1, 3, 5])
@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_effective_dimension_of_an_isotropic_map_is_its_rank(rank, scale):
    values = jnp.array([[scale] * rank + [0.0] * (6 - rank)])
    np.testing.assert_allclose(effective_dimension(values), [rank], rtol=1e-6)


def test_effective_dimension_by_hand():
    values = jnp.array([[2.0, 1.0], [0.0, 0.0]])  # (4 + 1)^2 / (16 + 1), and nothing
    np.testing.assert_allclose(effective_dimension(values), [25 / 17, 0], rtol=1e-6)


def on_a_cylinder(angle, height):
    """Points of a unit cylinder turned in space, with its tangents round the axis and along it."""
    turn = Rotation.from_rotvec([0.3, -1.1, 0.7])
    zero, one = np.zeros_like(angle), np.ones_like(angle)
    points = np.stack([np.cos(angle), np.sin(angle), height], 1)
    around = np.stack([-np.sin(angle), np.cos(angle), zero], 1)
    along = np.stack([zero, zero, one], 1)
    return (turn.apply(part) for part in (points, around, along)), turn.as_matrix()


def test_tangents_of_a_cylinder_within_a_degree():
    angle, height = np.linspace(-3, 3, 20), np.linspace(-2, 5, 20)
    (x, around, along), turn = on_a_cylinder(angle, height)

    def code(x):  # answers threefold to the angle, and to nothing but angle and height
        a, b, c = jnp.split(x @ jnp.float32(turn), 3, axis=1)
        return jnp.concatenate([3 * jnp.arctan2(b, a), c, 0.5 * c], axis=1)

    found = np.asarray(tangents(jacobian(code, jnp.float32(x)), num=2))
    assert found.shape == (20, 2, 3)
    assert degrees_between(found[:, 0], around).max() < 1
    assert degrees_between(found[:, 1], along).max() < 1
    assert (np.max(found, axis=2) == np.max(np.abs(found), axis=2)).all()


def test_local_pca_finds_the_cylinders_tangents_within_a_degree():
    generator = np.random.default_rng(0)
    angle, height = np.linspace(-3, 3, 5), np.linspace(-2, 5, 5)
    (_, around, along), _ = on_a_cylinder(angle, height)
    near_angle = angle[:, None] + generator.uniform(-0.2, 0.2, (5, 5000))
    near_height = height[:, None] + generator.uniform(-0.4, 0.4, (5, 5000))
    (near, _, _), _ = on_a_cylinder(near_angle.ravel(), near_height.ravel())
    found = local_pca(near.reshape(5, 5000, 3), num=2)
    assert degrees_between(found[:, 0], along).max() < 1
    assert degrees_between(found[:, 1], around).max() < 1


def test_contraction_of_a_linear_map_is_flat_at_its_gain():
    x = np.random.default_rng(0).normal(size=(6, 2, 2)).astype(np.float32)
    directions = random_directions(jax.random.key(0), x.shape)
    np.testing.assert_allclose(
        jnp.sqrt(jnp.sum(directions**2, axis=(1, 2))), np.ones(6), rtol=1e-6
    )
    found = contraction(lambda x: 0.3 * x + 1, x, directions, [0.5, 1.0, 8.0])
    np.testing.assert_allclose(found, np.full((6, 3), 0.3), rtol=1e-5)


def test_contraction_falls_where_a_map_saturates():
    x, along = jnp.zeros((1, 2)), jnp.array([[0.0, 1.0]])
    found = contraction(jnp.tanh, x, along, [1.0, 4.0])
    np.testing.assert_allclose(found, [[np.tanh(1), np.tanh(4) / 4]], rtol=1e-6)


def test_random_directions_do_not_depend_on_the_other_examples():
    few, many = (random_directions(jax.random.key(3), (n, 4)) for n in (2, 5))
    np.testing.assert_array_equal(few, many[:2])


def test_local_geometry_of_a_scaled_projection():
    _, axes = narrow_data(400, SHAPE)
    found = local_geometry(images_model(0.5 * axes[:, :3]), "test", num=50, radii=[2])
    assert found.values["effective_dimension"] == pytest.approx(3, rel=1e-5)
    assert found.values["jacobian_norm"] == pytest.approx(0.5 * 3**0.5, rel=1e-5)
    # The mean length of 3 of the 12 numbers of a random direction is
    # gamma(2) gamma(6) / (gamma(3/2) gamma(13/2)) = 0.470.
    assert found.values["contraction_2"] == pytest.approx(0.5 * 0.470, abs=0.03)
    assert found.protocol["examples"] == 50


def test_local_geometry_refuses_a_radius_of_nothing():
    with pytest.raises(InputError, match="radius 0 is not a distance"):
        local_geometry(images_model(), "test", radii=(1.0, 0))


def test_largest_angle_of_a_known_rotation():
    plane = np.eye(4)[:, :2]
    turned = Rotation.from_euler("y", 25, degrees=True).as_matrix()
    tilted = np.eye(4)
    tilted[:3, :3] = turned
    mixed = tilted[:, :2] @ np.array([[2.0, 1], [0, 3]])  # another basis, the same span
    assert largest_angle(mixed, plane) == pytest.approx(25)
    assert largest_angle(plane[:, :1] @ np.ones((1, 2)), plane) == 90


def test_principal_subspace_of_pca_itself():
    x, _ = narrow_data(400, SHAPE)
    flat = x[:300].reshape(300, -1)
    best = PCA(3).fit(flat - flat.mean(axis=0)).components_.T
    mix = np.array([[2.0, 1, 0], [0, 1, 0], [1, 0, 3]])  # codes in another basis
    centred = (x - flat.mean(axis=0).reshape(SHAPE)).astype(np.float32)
    model = linear_model(
        {"x": centred[:300]},
        {"x": centred[300:]},
        best @ mix,
        np.linalg.inv(mix) @ best.T,
    )
    values = principal_subspace(model, "test").values
    assert values["largest_angle"] < 0.01
    assert values["relative_error"] == pytest.approx(1, abs=1e-4)


def test_principal_subspace_tells_a_missing_direction():
    _, axes = narrow_data(400, SHAPE)
    others = axes[:, [0, 1, 5]]
    values = principal_subspace(images_model(others, others.T), "test").values
    assert values["largest_angle"] > 85
    assert values["relative_error"] > 5  # a variance of 1 lost, of 9 x .01 expected


def test_principal_subspace_refuses_a_code_as_long_as_an_example():
    with pytest.raises(InputError, match="fewer than 12 numbers"):
        principal_subspace(images_model(np.eye(12)), "test")


def test_jacobian_of_a_missing_method_is_refused():
    with pytest.raises(InputError, match="'LinearCoder' does not translate"):
        jacobian_of(images_model(), "translate", np.zeros((1, *SHAPE)))


def test_members_of_a_population_share_what_is_compiled():
    traced = []

    class Counting(LinearCoder):
        def encode(self, params, extra, x):
            traced.append(x.shape)
            return super().encode(params, extra, x)

    model = images_model()
    trained = Trained(
        Counting(),
        State(0, model.params, model.extra, {}),
        *(model.data, model.preparation, 0),
    )
    x = np.zeros((2, *SHAPE), np.float32)
    jacobian_of(trained, "encode", x)
    first = len(traced)
    doubled = jax.tree.map(lambda leaf: 2 * leaf, model.params)
    other = trained.member(Counting(), State(0, doubled, model.extra, {}), 1, ())
    found = jacobian_of(other, "encode", x)
    assert len(traced) == first > 0
    np.testing.assert_allclose(found[0], doubled["encoder"].T, rtol=1e-6)


def test_vae_encoder_is_differentiated_at_its_parameters():
    built = recipes.recipe("vae")
    trained = built.trained(built.init_state())
    x = trained.examples("test", 3)["x"]
    found = jacobian_of(trained, "encode", x)
    step = np.zeros_like(x)
    step[:, 4, 4] = 1e-2
    moved = (trained.call("encode", x + step) - trained.call("encode", x - step)) / 2e-2
    np.testing.assert_allclose(found[:, :, 4 * 8 + 4], moved, atol=1e-4)


def test_signed_grid_puts_zero_at_grey_and_each_largest_value_full():
    images = np.array([[4.0, 0], [-0.1, 0.05], [0, 0]]).reshape(3, 1, 2, 1)
    picture = signed_grid(images, columns=1)[..., 0]
    assert picture[2::3, 2:-2:3].size and picture.shape == (11, 6)
    assert [picture[2, 2:4].tolist(), picture[5, 2:4].tolist()] == [
        [255, 128],
        [0, 191],
    ]
    assert picture[8, 2:4].tolist() == [128, 128]


def test_receptive_filters_are_the_models_filters():
    model = images_model()
    expected = signed_grid(model.params["encoder"].T[:2].reshape(2, *SHAPE))
    np.testing.assert_array_equal(receptive_filters(model, num=2), expected)


def test_principal_components_show_the_decoder_by_length_below():
    _, axes = narrow_data(400, SHAPE)
    decoder = np.stack([axes[:, 1], 5 * axes[:, 0]])
    model = images_model(axes[:, :2], decoder)
    picture = principal_components(model, num=2)
    longest_first = signed_grid(decoder[::-1].reshape(2, *SHAPE), columns=2)
    np.testing.assert_array_equal(picture[-len(longest_first) :], longest_first)


def test_tangents_stand_between_examples_and_local_pca():
    _, axes = narrow_data(400, SHAPE)
    model = images_model(axes[:, :2] * np.array([1.0, 4.0]))
    picture = tangent_plot(model, num=4, directions=2, neighbours=300).astype(int)
    wide = 2 * 6 + 2  # two images of four pixels, padded
    assert picture.shape == (4 * 5 + 2, 8 + 2 + wide + 2 + wide, 3)
    signs = np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(12)])
    shown = (axes * signs).T[[1, 0]].reshape(2, *SHAPE)  # the second answers fourfold
    expected = signed_grid(np.tile(shown, (4, 1, 1, 1)), columns=2)
    tangents_shown = picture[:, 10 : 10 + wide]
    np.testing.assert_allclose(tangents_shown, expected, atol=1)
    # All training examples are neighbours: the same directions in every row, the wider first.
    pca = picture[2:, -wide:].reshape(4, 5, wide, 3)
    np.testing.assert_array_equal(pca[0, :3], pca[3, :3])
    closer = np.abs(pca[0, :3, 2:6] - tangents_shown[2:5, 8:12]).mean()
    assert closer < 20


def test_contraction_curve_lies_at_the_gain(drawn):
    (axes,) = contraction_curve(points_model(0.25 * np.eye(2)), radius=3.0).axes
    assert len(axes.lines) == 2
    for line in axes.lines:
        np.testing.assert_allclose(line.get_ydata(), np.full(20, 0.25), rtol=1e-4)
        np.testing.assert_allclose(line.get_xdata()[[0, -1]], [0.15, 3], rtol=1e-6)


@pytest.mark.parametrize("knobs", [{"radius": 0.0}, {"num": 1}])
def test_contraction_curve_refuses_in_one_line(knobs):
    with pytest.raises(InputError) as error:
        contraction_curve(points_model(np.eye(2)), **knobs)
    assert "\n" not in str(error.value)


def test_spectrum_shows_the_singular_values_and_their_dimension(drawn):
    (axes,) = jacobian_spectrum(points_model(np.diag([2.0, 1.0]))).axes
    np.testing.assert_allclose(axes.lines[0].get_ydata(), [2, 1], rtol=1e-5)
    np.testing.assert_allclose(axes.lines[1].get_xdata(), [25 / 17] * 2, rtol=1e-5)


def test_vector_field_points_to_where_the_model_moves(drawn):
    model = points_model(np.eye(2), 0.5 * np.eye(2))  # x to x / 2: arrows to the origin
    (arrows,) = vector_field(model, size=5).axes[0].collections
    shown = np.stack([arrows.U, arrows.V], 1)
    lengths = 0.5 * np.linalg.norm(arrows.XY, axis=1)
    np.testing.assert_allclose(arrows.get_array(), lengths, rtol=1e-5)
    step = arrows.XY[1, 0] - arrows.XY[0, 0]
    shares = step / (lengths + np.median(lengths))
    np.testing.assert_allclose(shown, -0.5 * arrows.XY * shares[:, None], atol=1e-5)


def test_vector_field_refuses_images():
    with pytest.raises(InputError, match=r"\(3, 4, 1\)"):
        vector_field(images_model())


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("tangents", "encode"),
        ("contraction_curve", "encode"),
        ("jacobian_spectrum", "encode"),
        ("receptive_filters", "filters"),
        ("principal_components", "decode"),
        ("vector_field", "reconstruct"),
    ],
)
def test_plots_name_the_method_that_is_missing(name, method, monkeypatch):
    monkeypatch.delattr(LinearCoder, method)
    with pytest.raises(InputError, match=f"'{name}' needs .*{method}"):
        plots.build(name)(images_model())


def test_tsne_keeps_clusters_apart():
    generator = np.random.default_rng(0)
    label = np.repeat([0, 1, 2], [10, 20, 30])
    codes = 20 * np.eye(5)[label] + generator.normal(size=(60, 5))
    plane = neighbour_plane(codes, perplexity=10, seed=0)
    distances = np.linalg.norm(plane[:, None] - plane[None], axis=-1)
    np.fill_diagonal(distances, np.inf)
    np.testing.assert_array_equal(label[distances.argmin(axis=1)], label)


def test_embedding_refuses_what_it_cannot_draw():
    model = points_model(np.eye(2))
    with pytest.raises(InputError, match="did you mean 'tsne'"):
        latent_embedding(model, method="t-sne")
    with pytest.raises(InputError, match="perplexity=80 .* 50 examples"):
        latent_embedding(model, method="tsne", perplexity=80)


def test_embedding_by_tsne_says_so(drawn):
    (axes,) = latent_embedding(
        points_model(np.eye(2)), method="tsne", perplexity=5
    ).axes
    assert axes.get_xlabel() == "t-SNE 1"
    assert len(axes.lines[0].get_xydata()) == 50
