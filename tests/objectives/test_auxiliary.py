"""Terms of both players from the discriminator's further heads, against closed forms."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genlab.errors import InputError
from genlab.game.codes import Code, Codes
from genlab.registry import objectives

GENERATOR = np.random.default_rng(0)


def test_class_likelihood_is_the_cross_entropy_of_both_by_hand():
    real, fake = jnp.array([[2.0, 0.0, 1.0]]), jnp.array([[0.5, 0.5, -1.0]])
    terms = objectives.build("class_likelihood", weight=2.0, fake_weight=0.5)(
        real, fake, jnp.array([0]), jnp.array([1])
    )
    log_real = 2.0 - math.log(math.exp(2) + 1 + math.e)
    log_fake = 0.5 - math.log(2 * math.exp(0.5) + math.exp(-1))
    own = terms["discriminator"]
    np.testing.assert_allclose(own["class_real"], [-2 * log_real], rtol=1e-5)
    np.testing.assert_allclose(own["class_fake"], [-2 * 0.5 * log_fake], rtol=1e-5)
    found = terms["generator"]["class_fake"]
    np.testing.assert_allclose(found, [-2 * log_fake], rtol=1e-5)


def test_class_likelihood_of_a_mixed_class_is_the_mean_of_both():
    call = objectives.build("class_likelihood")
    real, fake = jnp.zeros((1, 3)), jnp.array([[1.0, -2.0, 0.5]])
    of = lambda label: call(real, fake, jnp.array([0]), label)["generator"]
    one, other = (of(jnp.array([c]))["class_fake"] for c in (0, 2))
    mixed = of(jnp.array([[0.5, 0.0, 0.5]]))["class_fake"]
    np.testing.assert_allclose(mixed, (one + other) / 2, rtol=1e-5)


def test_bound_at_a_perfect_q_is_the_entropy_of_the_codes():
    weight = 3.0
    codes = Codes((10, 3))
    drawn = codes.split(codes.draw(jax.random.key(0), 6))
    sure = Code(tuple(50.0 * one for one in drawn.categories), drawn.values)
    found = objectives.build("mutual_information", weight=weight)(drawn, sure)
    entropy = math.log(10) + math.log(3)
    assert codes.entropy == pytest.approx(entropy)
    for player in ("discriminator", "generator"):
        bound = -found[player]["information"] / weight
        np.testing.assert_allclose(bound, np.full(6, entropy), rtol=1e-5)


def test_bound_without_knowledge_is_zero_for_categories():
    codes = Codes((4,))
    drawn = codes.split(codes.draw(jax.random.key(0), 5))
    blank = Code((jnp.zeros((5, 4)),), drawn.values)
    found = objectives.build("mutual_information")(drawn, blank)
    np.testing.assert_allclose(found["generator"]["information"], 0.0, atol=1e-6)


def test_bound_of_values_is_a_gaussian_log_density_by_hand():
    codes = Code((), jnp.array([[0.5, -1.0]]))
    told = Code((), jnp.array([[0.0, -1.0]]))
    found = objectives.build("mutual_information", deviation=0.5)(codes, told)
    density = -0.5 * (0.5 / 0.5) ** 2 - 2 * math.log(0.5 * math.sqrt(2 * math.pi))
    bound = density + 2 * math.log(2)
    term = found["discriminator"]["information"]
    np.testing.assert_allclose(term, [-bound], rtol=1e-5)


def _self_augmented(found_here, found_there, **knobs):
    """Terms of a discriminator that tells one thing of two real examples, and another of changed ones."""
    real = jnp.zeros((2, 4, 4, 1)).at[0, 0, 0, 0].set(1.0)
    changed = lambda x: jnp.array_equal(x, real)
    tell = lambda x: {"codes": found_here if changed(x) else found_there}
    code = Code((jnp.eye(2),), jnp.zeros((2, found_here.shape[1] - 2)))
    call = objectives.build("self_augmented_information", **knobs)
    terms = call(real, code, tell, jax.random.key(0))
    assert terms["generator"] == {}
    return terms["discriminator"]


def test_self_augmented_information_by_hand():
    q, moved = np.array([[0.75, 0.25], [0.5, 0.5]]), np.array([[0.5, 0.5], [0.1, 0.9]])
    values = np.zeros((2, 1))  # of continuous codes nothing is asked
    with_values = lambda p: jnp.asarray(np.hstack([np.log(p), values]))
    terms = _self_augmented(
        *(with_values(q), with_values(moved)),
        **dict(weight=2.0, information_weight=0.5, marginal_weight=3.0),
    )
    apart = -np.sum(q * np.log(moved), axis=1)
    np.testing.assert_allclose(terms["agreement"], 2 * apart, rtol=1e-5)
    marginal, conditional = (-np.sum(p * np.log(p)) for p in (q.mean(0), q))
    expected = -2 * 0.5 * (3 * marginal - conditional / 2)
    found = np.mean(terms["information_real"])
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_self_augmented_information_is_least_for_even_clusters():
    sure, one = 60.0 * jnp.eye(2), 60.0 * jnp.array([[1.0, 0.0], [1.0, 0.0]])
    total = lambda found: sum(map(jnp.mean, _self_augmented(found, found).values()))
    even = total(sure)
    np.testing.assert_allclose(even, -0.1 * 4.0 * math.log(2), rtol=1e-5)
    assert even < total(one) and even < total(jnp.zeros((2, 2)))


def test_self_augmented_information_of_no_category_is_refused():
    codes = Code((), jnp.zeros((2, 3)))
    call = objectives.build("self_augmented_information")
    with pytest.raises(InputError, match="of categorical codes, and the game has none"):
        call(jnp.zeros((2, 4, 4, 1)), codes, lambda x: {}, jax.random.key(0))


def test_gradients_are_those_of_pytorch():
    torch = pytest.importorskip("torch")
    real, fake = GENERATOR.normal(size=(2, 5, 4)).astype(np.float32)
    label = np.array([0, 3, 1, 2, 2])
    call = objectives.build("class_likelihood", weight=0.7)

    def total(fake):
        terms = call(real, fake, label, label)
        return sum(jnp.mean(term) for term in terms["discriminator"].values())

    logits = torch.tensor(fake, requires_grad=True)
    loss = 0.7 * torch.nn.functional.cross_entropy(logits, torch.tensor(label))
    loss.backward()
    np.testing.assert_allclose(jax.grad(total)(fake), logits.grad.numpy(), atol=1e-6)


def test_rotation_of_both_is_told_or_guessed():
    """Of images with one bright corner, whose place after a turn says which it was."""
    x = jnp.zeros((6, 4, 4, 1)).at[:, 0, 0].set(1.0)
    corners = ((0, 0), (3, 0), (3, 3), (0, 3))  # anticlockwise, as turns go

    def sure(x):
        return {"rotations": 50 * jnp.stack([x[:, i, j, 0] for i, j in corners], 1)}

    part = objectives.build("rotation_of_both", generator_weight=0.2)
    found = part(x, x, sure, jax.random.key(0))
    for player, name in (("discriminator", "real"), ("generator", "fake")):
        np.testing.assert_allclose(found[player][f"rotation_{name}"], 0, atol=1e-6)
    blank = lambda x: {"rotations": jnp.zeros((x.shape[0], 4))}
    found = part(x, x, blank, jax.random.key(0))
    real, fake = (
        found["discriminator"]["rotation_real"],
        found["generator"]["rotation_fake"],
    )
    np.testing.assert_allclose(real, [math.log(4)] * 6, rtol=1e-6)
    np.testing.assert_allclose(fake, 0.2 * real, rtol=1e-6)


def test_information_of_both_is_nothing_to_the_logarithm_of_the_batch():
    local = jnp.repeat(30 * jnp.eye(5)[:, None], 3, axis=1)
    part = objectives.build("information_of_both", generator_weight=0.5)
    found = part(local, jnp.eye(5), jnp.zeros((5, 3, 5)), jnp.eye(5))
    real, fake = (
        found["discriminator"]["information_real"],
        found["generator"]["information_fake"],
    )
    np.testing.assert_allclose(real, 0, atol=1e-6)
    np.testing.assert_allclose(fake, [0.5 * math.log(5)] * 5, rtol=1e-6)
