"""What discriminators and generators minimise, against PyTorch's autograd and by hand."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genlab.data.adaptive import Ada
from genlab.errors import InputError
from genlab.game import parallel
from genlab.game.adversary import Judged, of_the_best
from genlab.game.codes import Code
from genlab.game.unroll import moved_ahead
from genlab.objectives.adversarial import noisy_labels, non_saturating
from genlab.objectives.equilibrium import began
from genlab.objectives.features import feature_matching
from genlab.objectives.relativistic import relativistic, relativistic_average
from genlab.objectives.steadiness import lecam
from genlab.registry import objectives

REAL = np.array([0.3, -2.0, 1.5, 4.0], np.float32)
FAKE = np.array([1.0, -0.5, 2.5, -3.0], np.float32)


def reference(torch):
    """(discriminator, generator) of each objective, of tensors r and f, as the papers have them."""
    log = torch.nn.functional.logsigmoid
    square, relu = torch.square, torch.relu
    bases = {
        "standard": (lambda d: -log(d), lambda d: -log(-d)),
        "least_squares": (lambda d: square(d - 1) / 2, lambda d: square(d + 1) / 2),
        "hinge": (lambda d: relu(1 - d), lambda d: relu(1 + d)),
    }
    found = {
        ("minimax",): (
            lambda r, f: -(log(r) + log(-f)).mean(),
            lambda r, f: log(-f).mean(),
        ),
        ("non_saturating",): (
            lambda r, f: -(log(r) + log(-f)).mean(),
            lambda r, f: -log(f).mean(),
        ),
        ("log_ratio",): (
            lambda r, f: -(log(r) + log(-f)).mean(),
            lambda r, f: -f.mean(),
        ),
        ("least_squares",): (
            lambda r, f: (square(r - 1) + square(f)).mean() / 2,
            lambda r, f: square(f - 1).mean() / 2,
        ),
        ("hinge",): (
            lambda r, f: (relu(1 - r) + relu(1 + f)).mean(),
            lambda r, f: -f.mean(),
        ),
        ("wasserstein",): (lambda r, f: (f - r).mean(), lambda r, f: -f.mean()),
        ("energy_based",): (
            lambda r, f: (-r + relu(1 + f)).mean(),
            lambda r, f: -f.mean(),
        ),
    }
    for name, (wins, loses) in bases.items():
        found["relativistic", name] = (
            lambda r, f, wins=wins: wins(r - f).mean(),
            lambda r, f, wins=wins: wins(f - r).mean(),
        )
        found["relativistic_average", name] = (
            lambda r, f, w=wins, l=loses: (w(r - f.mean()) + l(f - r.mean())).mean(),
            lambda r, f, w=wins, l=loses: (w(f - r.mean()) + l(r - f.mean())).mean(),
        )
    return found


def test_a_smoothed_label_is_cross_entropy_with_that_target():
    torch = pytest.importorskip("torch")
    entropy = torch.nn.functional.binary_cross_entropy_with_logits
    logits = torch.tensor(REAL, requires_grad=True)
    expected = entropy(logits, torch.full((4,), 0.8))
    expected.backward()
    for name in ("minimax", "non_saturating"):
        part = objectives.build(name, real_label=0.8)
        told = lambda r, part=part: part(r, FAKE)["discriminator"]["real"].mean()
        value, slope = jax.value_and_grad(told)(REAL)
        np.testing.assert_allclose(value, expected.item(), rtol=1e-5)
        np.testing.assert_allclose(slope, logits.grad.numpy(), rtol=1e-5, atol=1e-7)


def test_terms_of_features_and_heads_are_those_of_autograd():
    torch = pytest.importorskip("torch")
    drawn = np.random.default_rng(0).normal(size=(2, 4, 5)).astype(np.float32)
    label = np.array([0, 3, 3, 1])
    codes = Code((jnp.asarray(np.eye(5, dtype=np.float32)[label]),), drawn[1][:, :2])
    entropy = torch.nn.functional.cross_entropy
    whole = lambda terms: sum(jnp.mean(term) for term in terms.values())

    def features(x, y):
        found = objectives.build("feature_matching")(REAL, FAKE, x, y)
        return jnp.mean(found["generator"]["features"])

    def classes(x, y):
        part = objectives.build("class_likelihood", weight=2.0, fake_weight=0.5)
        return whole(part(x, y, label, label)["discriminator"])

    def information(x, y):
        found = objectives.build("mutual_information", deviation=0.5)(
            codes, Code((x,), y[:, :2])
        )
        return -whole(found["generator"])

    told = torch.tensor(label)
    of_values = -0.5 * math.log(2 * math.pi) - math.log(0.5) + math.log(2)
    for ours, theirs in (
        (features, lambda x, y: (x.mean(0) - y.mean(0)).square().sum()),
        (classes, lambda x, y: 2 * entropy(x, told) + entropy(y, told)),
        (
            information,
            lambda x, y: (
                math.log(5)
                - entropy(x, told)
                + 2 * of_values
                - 2 * (torch.tensor(drawn[1][:, :2]) - y[:, :2]).square().sum(1).mean()
            ),
        ),
    ):
        tensors = [torch.tensor(x, requires_grad=True) for x in (drawn[0], -drawn[1])]
        expected = theirs(*tensors)
        expected.backward()
        value, slopes = jax.value_and_grad(ours, (0, 1))(drawn[0], -drawn[1])
        np.testing.assert_allclose(value, expected.item(), rtol=1e-5)
        for slope, tensor in zip(slopes, tensors, strict=True):
            wanted = np.zeros((4, 5)) if tensor.grad is None else tensor.grad.numpy()
            np.testing.assert_allclose(slope, wanted, rtol=1e-4, atol=1e-6)


def test_values_and_gradients_are_those_of_autograd():
    torch = pytest.importorskip("torch")
    for (name, *base), losses in reference(torch).items():
        part = objectives.build(name, **({"base": base[0]} if base else {}))
        for player, loss in zip(("discriminator", "generator"), losses, strict=True):

            def total(real, fake, part=part, player=player):
                terms = part(real, fake)[player].values()
                return sum(jnp.mean(term) for term in terms)

            tensors = [torch.tensor(x, requires_grad=True) for x in (REAL, FAKE)]
            expected = loss(*tensors)
            expected.backward()
            value, slopes = jax.value_and_grad(total, (0, 1))(REAL, FAKE)
            np.testing.assert_allclose(value, expected.item(), rtol=1e-5)
            for slope, tensor in zip(slopes, tensors, strict=True):
                wanted = np.zeros(4) if tensor.grad is None else tensor.grad.numpy()
                np.testing.assert_allclose(slope, wanted, rtol=1e-5, atol=1e-6)


def test_a_relativistic_game_is_even_where_both_sides_are_alike():
    for part in (relativistic, relativistic_average):
        terms = part(jnp.zeros(3), jnp.zeros(3))
        for term in jax.tree.leaves(terms):
            np.testing.assert_allclose(term, np.log(2) * np.ones(3), rtol=1e-6)
    with pytest.raises(InputError, match="base 'huber' is unknown"):
        relativistic(REAL, FAKE, base="huber")


def test_began_keeps_its_balance_by_hand():
    real, fake = jnp.array([-2.0, -4.0]), jnp.array([-1.0, -0.5])  # L: 3 and 0.75
    terms, memory = began(real, fake, {"k": 0.5}, balance=0.5, rate=0.1)
    np.testing.assert_allclose(terms["discriminator"]["real"], [2.0, 4.0])
    np.testing.assert_allclose(terms["discriminator"]["fake"], [-0.5, -0.25])
    np.testing.assert_allclose(terms["generator"]["fake"], [1.0, 0.5])
    np.testing.assert_allclose(memory["k"], 0.5 + 0.1 * (0.5 * 3 - 0.75), rtol=1e-6)
    assert float(began(real, fake, {"k": 1.0})[1]["k"]) == 1.0
    assert float(began(fake, real, {"k": 0.0})[1]["k"]) == 0.0


def test_noisy_labels_have_the_statistics_that_they_say():
    zeros, key = jnp.zeros(10_000), jax.random.key(3)
    # The slope at logit 0 is 1/2 - t.
    slope = lambda name: (
        0.5
        - jax.grad(lambda l: noisy_labels(l, l, key)["discriminator"][name].sum())(
            zeros
        )
    )
    for name, (low, high) in {"real": (0.7, 1.0), "fake": (0.0, 0.3)}.items():
        targets = slope(name)
        assert low <= targets.min() < low + 0.001 and high - 0.001 < targets.max()
        np.testing.assert_allclose(targets.mean(), (low + high) / 2, atol=0.003)
        np.testing.assert_allclose(targets.std(), 0.3 / np.sqrt(12), atol=0.003)
    assert abs(np.corrcoef(slope("real"), slope("fake"))[0, 1]) < 0.05
    certain = {"real_low": 1.0, "fake_high": 0.0}
    plain = non_saturating(REAL, FAKE)
    exact = noisy_labels(jnp.asarray(REAL), jnp.asarray(FAKE), key, **certain)
    jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=1e-6), exact, plain)


def test_features_are_matched_in_the_mean():
    real, fake = (
        jnp.array([[1.0, 0.0], [3.0, 2.0]]),
        jnp.array([[0.0, 4.0], [0.0, 0.0]]),
    )
    terms = feature_matching(REAL[:2], FAKE[:2], real, fake, adversarial_weight=0.5)
    np.testing.assert_allclose(terms["generator"]["features"], 2.0**2 + 1.0**2)
    plain = non_saturating(REAL[:2], FAKE[:2])
    np.testing.assert_allclose(
        terms["generator"]["fake"], 0.5 * plain["generator"]["fake"]
    )
    np.testing.assert_array_equal(
        terms["discriminator"]["real"], plain["discriminator"]["real"]
    )


def test_flipped_labels_exchange_a_share_of_the_verdicts():
    real, fake = jnp.ones(4000), -jnp.ones(4000)
    judged = Judged(real, fake, real, fake, None, None, {}, {})
    flipped = judged.flipped(jax.random.key(0), 0.25)
    np.testing.assert_array_equal(flipped.real_logits, -flipped.fake_logits)
    assert abs(np.mean(flipped.real_logits == -1) - 0.25) < 0.02
    assert flipped.real is real
    np.testing.assert_array_equal(judged.flipped(jax.random.key(0), 0.0)[0], real)


def test_only_the_best_fakes_count():
    logits = jnp.array([0.1, 3.0, -1.0, 2.0])
    terms = {"fake": jnp.array([1.0, 2.0, 4.0, 8.0]), "whole": jnp.array(5.0)}
    found = of_the_best(terms, logits, 0.5)
    np.testing.assert_allclose(found["fake"], [0.0, 4.0, 0.0, 16.0])
    np.testing.assert_allclose(np.mean(found["fake"]), (2.0 + 8.0) / 2)
    assert float(found["whole"]) == 5.0
    real = {"real": terms["fake"]}
    np.testing.assert_array_equal(of_the_best(real, logits, 0.5)["real"], real["real"])
    one = of_the_best(terms, logits, 0.0)["fake"]
    np.testing.assert_allclose(one, [0.0, 8.0, 0.0, 0.0])
    ties = of_the_best(terms, jnp.zeros(4), 0.25)["fake"]
    np.testing.assert_allclose(ties, [4.0, 0.0, 0.0, 0.0])


def test_steps_ahead_are_differentiable():
    """Of 1/2 (d - g)^2 from d = 3: after K steps of rate r, d - g has shrunk by (1 - r)^K."""

    def ahead(g):
        loss = lambda own: 0.5 * jnp.square(own["d"] - g)
        return moved_ahead(loss, {"d": jnp.array(3.0)}, 4, 0.1)["d"]

    value, slope = jax.value_and_grad(ahead)(1.0)
    np.testing.assert_allclose(value, 1.0 + 2.0 * 0.9**4, rtol=1e-6)
    np.testing.assert_allclose(slope, 1 - 0.9**4, rtol=1e-6)


def on_four_devices(function, *arrays):
    """What a function of batches makes of shares on four devices, its last value of all of them."""

    def one(*shares):
        with parallel.mapped():
            return function(*shares)

    shares = [array.reshape(4, -1, *array.shape[1:]) for array in arrays]
    return jax.pmap(one, axis_name=parallel.BATCH)(*shares)


def test_what_looks_across_the_batch_is_the_same_on_four_devices():
    real, fake = jax.random.normal(jax.random.key(0), (2, 8))
    features = jnp.stack([real, fake], axis=1), jnp.stack([fake, fake**2], axis=1)
    ada, half = Ada(target=0.0, images=20), {"probability": jnp.array(0.5)}
    whole = lambda real, fake, f, g: (
        relativistic_average(real, fake),
        of_the_best({"fake": fake}, fake, 0.4),
        feature_matching(real, fake, f, g)["generator"]["features"],
        began(real, fake, {"k": 0.5}, rate=0.1)[1],
        lecam(real, fake, {"real": 1.0, "fake": 0.0})[1],
        ada.renew(half, real),
    )
    expected = whole(real, fake, *features)
    found = on_four_devices(whole, real, fake, *features)
    for one, other in zip(*map(jax.tree.leaves, (expected, found)), strict=True):
        if one.ndim:
            other = other.reshape(-1)
        else:
            one = jnp.broadcast_to(one, (4,))
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
