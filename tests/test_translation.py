"""Games of image translation on constant images, and the pool of earlier fakes."""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import recipes
from genlab.shipped.experiments.bicyclegan import BicycleGan
from genlab.shipped.experiments.cyclegan import CycleGan
from genlab.shipped.experiments.translation import Pix2Pix, Translator

from genlab.data.record_domains import two_domains
from genlab.data.split import Records
from genlab.errors import InputError
from genlab.game import replay
from genlab.game.network import Network
from genlab.game.turn import Draw
from genlab.nn.norm import BatchNorm
from genlab.objectives.adversarial import hinge, least_squares, wasserstein
from genlab.objectives.consistency import (
    channel_cross_entropy,
    charbonnier,
    l1,
    l2,
)
from genlab.registry import optimizers, schedules
from genlab.run.recipe import Recipe


class Paint(nn.Module):
    """Images of one value, whatever the input; `z`, where given, is added."""

    value: float
    channels: int = 1

    @nn.compact
    def __call__(self, x, z=None, *, train: bool = False):
        value = self.param("value", nn.initializers.constant(self.value), (1, 1, 1, 1))
        canvas = jnp.zeros((*x.shape[:3], self.channels))
        shift = 0.0 if z is None else z[:, :1, None, None]
        return canvas + value + shift


class Judge(nn.Module):
    """A logit for each half of the last image: `scale` times the mean of the half."""

    scale: float = 1.0

    @nn.compact
    def __call__(self, *images, train: bool = False):
        scale = self.param("scale", nn.initializers.constant(self.scale), (1, 1, 1))
        halves = images[-1].reshape(images[-1].shape[0], 2, 1, -1).mean(-1)
        return scale * halves


class Code(nn.Module):
    """Mean `value`, log-variance -80: a posterior that is a point."""

    value: float

    @nn.compact
    def __call__(self, x, *, train: bool = False):
        value = self.param("value", nn.initializers.constant(self.value), (1, 1))
        return value + jnp.zeros((x.shape[0], 2)), jnp.full((x.shape[0], 2), -80.0)


class Reader(nn.Module):
    """Mean `scale` times the image's own, log-variance -80."""

    @nn.compact
    def __call__(self, x, *, train: bool = False):
        scale = self.param("scale", nn.initializers.ones_init(), (1, 1))
        return scale * x.mean((1, 2)) * jnp.ones((1, 2)), jnp.full((len(x), 2), -80.0)


class Standard(nn.Module):
    """Batch normalisation, and nothing else; a `z` is not looked at."""

    @nn.compact
    def __call__(self, x, z=None, *, train: bool = False):
        return BatchNorm()(x, train=train)


def game(family, modules, x, y, objective=least_squares, count=2, **knobs):
    """An experiment, its state's two halves and a draw of constant images x and y."""
    batch = {
        "x": jnp.full((count, 4, 4, 1), x, jnp.float32),
        "y": jnp.full((count, 4, 4, 1), y, jnp.float32),
    }
    networks = {role: Network(role, module) for role, module in modules.items()}
    adam = optimizers.choose(dict(name="adam", learning_rate=1e-3))()
    experiment = family(
        networks, objective, dict.fromkeys(family.PLAYERS, adam), **knobs
    )
    params, extra = experiment.init(jax.random.key(0), batch)
    draw = Draw(batch, jax.random.key(1), jnp.zeros((), jnp.int32))
    return experiment, params, extra, draw


def losses(*arguments, **knobs):
    """Each player's terms of a `game`, averaged."""
    experiment, params, extra, draw = game(*arguments, **knobs)
    return {
        name: {
            term: float(jnp.mean(values))
            for term, values in player.loss(params, extra, draw).terms.items()
        }
        for name, player in experiment.players().items()
    }


def check(found, **expected):
    for player, terms in expected.items():
        assert found[player] == pytest.approx(terms, abs=1e-6), player


L1_100 = dict(name="l1", weight=100.0)


class TestPairs:
    def test_pix2pix_terms(self):
        """D(y) = 2 * -0.5 = -1, D(G) = 2 * 0.5 = 1; L1 between 0.5 and -0.5 is 1."""
        found = losses(
            Pix2Pix,
            dict(generator=Paint(0.5), discriminator=Judge(2.0)),
            x=0.1,
            y=-0.5,
            reconstruction=L1_100,
        )
        check(
            found,
            discriminator={"real": 0.5 * 0.5 * 4, "fake": 0.5 * 0.5 * 1},
            generator={"fake": 0.0, "reconstruction": 100.0},
        )

    def test_discriminator_may_see_the_output_alone(self):
        modules = dict(generator=Paint(0.5), discriminator=Judge())
        one, other = (
            losses(Pix2Pix, modules, 0.3, 0.0, conditional=way) for way in (True, False)
        )
        assert one == other  # `Judge` looks at the last image, which is the output

    def test_translator_terms(self):
        found = losses(Translator, dict(generator=Paint(0.5)), 0.0, -0.5, objective=l2)
        check(found, generator={"reconstruction": 1.0})

    def test_only_holes_are_filled(self):
        """Half of the image is a hole: the loss sees 1 there and |0.2 - 0| elsewhere."""
        x = jnp.full((2, 4, 4, 2), 0.2).at[..., 1].set(-1.0).at[:, :2, :, 1].set(1.0)
        experiment = Translator(
            {"generator": Network("generator", Paint(1.0))},
            l1,
            {"generator": None},
            fill_only=True,
        )
        batch = {"x": x, "y": jnp.zeros((2, 4, 4, 1))}
        params, extra = experiment.init(jax.random.key(0), batch)
        out = experiment.translate(params, extra, x, jax.random.key(0))
        np.testing.assert_allclose(out[:, :2], 1.0)
        np.testing.assert_allclose(out[:, 2:], 0.2, rtol=1e-6)

    @pytest.mark.parametrize(
        ("batch", "message"),
        [
            ({"x": jnp.zeros((2, 4, 4, 1))}, "images of two domains"),
            (
                {"x": jnp.zeros((2, 4, 4, 1)), "y": jnp.zeros((2, 8, 8, 1))},
                r"makes images \(4, 4, 1\).*\(8, 8, 1\)",
            ),
        ],
    )
    def test_refuses_what_does_not_fit(self, batch, message):
        network = Network("generator", Paint(0.0))
        experiment = Translator({"generator": network}, l1, {"generator": None})
        with pytest.raises(InputError, match=message):
            experiment.init(jax.random.key(0), batch)

    def test_fill_only_needs_a_mask(self):
        with pytest.raises(InputError, match="needs a mask"):
            losses(Translator, dict(generator=Paint(0.0)), 0, 0, l1, fill_only=True)


class TestCycleGan:
    def terms(self, to_x, to_y, **knobs):
        modules = dict(
            generator_x=Paint(to_x),
            generator_y=Paint(to_y),
            discriminator_x=Judge(),
            discriminator_y=Judge(2.0),
        )
        return losses(CycleGan, modules, x=-1.0, y=0.5, pool_size=0, **knobs)

    def test_terms(self):
        """F(y) = 0.25 and G(x) = 0.75, whatever they look at; D_Y doubles."""
        found = self.terms(
            0.25,
            0.75,
            cycle=dict(name="l1", weight=10.0),
            identity=dict(name="l1", weight=5.0),
            adversarial_weight=2.0,
        )
        check(
            found,
            discriminators={
                "real_x": 0.5 * 4,
                "fake_x": 0.5 * 0.25**2,
                "real_y": 0.0,
                "fake_y": 0.5 * 1.5**2,
            },
            generators={
                "fake_x": 0.75**2,
                "fake_y": 0.5**2,
                "cycle_x": 12.5,
                "cycle_y": 2.5,
                "identity_x": 5 * 1.25,
                "identity_y": 5 * 0.25,
            },
        )

    def test_right_domains_cost_nothing(self):
        """Swapped domains would cost 1.5 in every one of these terms."""
        part = dict(name="l1", weight=1.0)
        generators = self.terms(-1.0, 0.5, cycle=part, identity=part)["generators"]
        for term in ("cycle_x", "cycle_y", "identity_x", "identity_y"):
            assert generators[term] == 0.0

    def test_pools_keep_to_their_domain(self):
        """Pools full of -0.5 and 0.9 before fakes of 0.25 and 0.75: every shown fake is one of the
        domain's own two, and both kinds are shown."""
        modules = dict(
            generator_x=Paint(0.25),
            generator_y=Paint(0.75),
            discriminator_x=Judge(),
            discriminator_y=Judge(2.0),
        )
        experiment, params, extra, draw = game(
            CycleGan, modules, -1.0, 0.5, count=16, pool_size=3
        )
        stored = {"x": -0.5, "y": 0.9}
        for domain, value in stored.items():
            pool = extra["pool"][domain]
            extra["pool"][domain] = {
                "images": jnp.full_like(pool["images"], value),
                "count": jnp.array(3, jnp.int32),
            }
        loss = experiment.players()["discriminators"].loss(params, extra, draw)
        for domain, fresh, scale in (("x", 0.25, 1.0), ("y", 0.75, 2.0)):
            shown = np.unique(np.round(loss.terms[f"fake_{domain}"], 5))
            both = [0.5 * (scale * value) ** 2 for value in (fresh, stored[domain])]
            np.testing.assert_allclose(shown, sorted(both), atol=1e-5)
            left = np.unique(np.round(loss.extra["pool"][domain]["images"], 5))
            assert set(left) <= set(np.float32([fresh, stored[domain]]))

    def test_refuses_domains_of_unlike_shape(self):
        modules = {role: Paint(0.0) for role in CycleGan.ROLES}
        networks = {role: Network(role, module) for role, module in modules.items()}
        experiment = CycleGan(networks, least_squares, {})
        batch = {"x": jnp.zeros((1, 4, 4, 1)), "y": jnp.zeros((1, 4, 4, 3))}
        with pytest.raises(InputError, match=r"\(4, 4, 1\) and \(4, 4, 3\)"):
            experiment.init(jax.random.key(0), batch)


def test_bicycle_gan_terms():
    """E finds 0.5 in everything; G paints 0.25 + z, so that z = 0.5 gives 0.75."""
    found = losses(
        BicycleGan,
        dict(generator=Paint(0.25), encoder=Code(0.5), discriminator=Judge()),
        x=0.0,
        y=0.0,
        latent_dim=2,
        reconstruction=dict(name="l1", weight=10.0),
        kl_weight=1.0,
    )["translator"]
    kl = 2 * 0.5 * (0.25 + np.exp(-80.0) - 1 + 80)
    assert found["kl"] == pytest.approx(kl, rel=1e-5)
    assert found["reconstruction"] == pytest.approx(7.5, abs=1e-5)
    assert found["fake_encoded"] == pytest.approx(0.5 * 0.25**2, abs=1e-5)
    assert found["latent"] > 0


def test_bicycle_gan_weights_of_the_game():
    modules = dict(generator=Paint(0.25), encoder=Code(0.5), discriminator=Judge())
    one, other = (
        losses(BicycleGan, modules, 0.0, 0.5, latent_dim=2, **knobs)
        for knobs in ({}, dict(adversarial_weight=3.0, discriminator_weight=5.0))
    )
    for player, weight in (("translator", 3.0), ("discriminator", 5.0)):
        for name, value in one[player].items():
            scale = weight if name.startswith(("fake", "real")) else 1.0
            assert value and other[player][name] == pytest.approx(scale * value)


def test_latent_term_moves_the_generator_alone():
    """E reads the image's mean, so that it could bring z there; the term must not ask it to."""
    modules = dict(generator=Paint(0.25), encoder=Reader(), discriminator=Judge())
    experiment, params, extra, draw = game(BicycleGan, modules, 0.0, 0.5, latent_dim=2)

    def term(params):
        terms = experiment.players()["translator"].loss(params, extra, draw).terms
        return jnp.mean(terms["latent"])

    slopes = jax.grad(term)(params)["translator"]
    assert np.all(slopes["encoder"]["scale"] == 0)
    assert np.abs(slopes["generator"]["value"]).max() > 0.01


@pytest.mark.parametrize(
    ("family", "methods"),
    [
        (Translator, ("translate",)),
        (Pix2Pix, ("translate",)),
        (CycleGan, ("translate", "translate_back")),
        (BicycleGan, ("translate",)),
    ],
)
def test_translation_takes_the_statistics_of_its_batch(family, methods):
    """Normalised by its own batch, the output has mean 0 and deviation 1; by the running
    statistics, which are fresh, it would be the input."""
    modules = dict.fromkeys(family.ROLES, Judge())
    modules |= {role: Standard() for role in family.ROLES if "generator" in role}
    if family is BicycleGan:
        modules["encoder"] = Code(0.5)
    knobs = {"latent_dim": 2} if family is BicycleGan else {}
    experiment, params, extra, draw = game(family, modules, 0.0, 0.0, **knobs)
    x = 3 + 2 * jax.random.normal(jax.random.key(2), (4, 4, 4, 1))
    for method in methods:
        made = getattr(experiment, method)(params, extra, x, draw.root)
        assert float(jnp.mean(made)) == pytest.approx(0.0, abs=1e-4)
        assert float(jnp.std(made)) == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("family", [Translator, Pix2Pix, CycleGan, BicycleGan])
def test_range_of_the_data_is_that_of_tanh(family):
    experiment = family({}, l1, {})
    experiment.check_data(-1.0, 1.0)
    with pytest.raises(InputError, match=r"is \(0, 1\); set data.value_range=\(-1"):
        experiment.check_data(0.0, 1.0)


class TestRecipes:
    def test_range_is_checked_when_a_recipe_is_built(self):
        config = recipes.plain("super_resolution", data__value_range="(0.0, 1.0)")
        with pytest.raises(InputError, match="translation is of images in"):
            Recipe.build(config)

    def test_contracts_see_a_decaying_rate_and_batch_statistics(self):
        """What their tiny recipes would otherwise leave out."""
        config = recipes.plain("cyclegan")
        for player in config["optimizer"].values():
            factor = schedules.choose(player["schedule"])()
            assert 0 < factor(config["train"]["steps"] - 1) < 0.5
        extra = recipes.recipe("inpainting").shapes().extra
        assert set(extra["batch_stats"]) == {"generator"}

    def test_horses_and_zebras_all_train(self):
        """200 epochs of 1,334 zebras, none of them held out but the source's test images."""

        class Blank(Records):
            def read(self, indices):
                return [{"x": np.zeros((4, 4, 3), np.uint8)} for _ in indices]

        config = recipes.plain("cyclegan", "horse2zebra")
        sizes = {"trainA": 1067, "trainB": 1334, "testA": 120, "testB": 140}
        data = two_domains(
            "horses",
            lambda split: Blank(),
            sizes,
            shape=(4, 4, 3),
            validation_fraction=config["data"]["validation_fraction"],
            test_fraction=1 / 12,
        )
        assert config["train"]["steps"] == 200 * data.splits["train"].size
        assert data.held_out()[0] == config["eval"]["split"] == "test"
        for split in (config["eval"]["split"], config["eval"]["final_split"]):
            assert data.splits[split].size == 140


class TestObjectives:
    logits = (jnp.array([2.0, -3.0]), jnp.array([0.5, -1.5]))

    @pytest.mark.parametrize(
        ("objective", "real", "fake", "generator"),
        [
            (least_squares, [0.5, 8.0], [0.125, 1.125], [0.125, 3.125]),
            (hinge, [0.0, 4.0], [1.5, 0.0], [-0.5, 1.5]),
            (wasserstein, [-2.0, 3.0], [0.5, -1.5], [-0.5, 1.5]),
        ],
    )
    def test_adversarial_terms_by_hand(self, objective, real, fake, generator):
        terms = objective(*self.logits)
        np.testing.assert_allclose(terms["discriminator"]["real"], real)
        np.testing.assert_allclose(terms["discriminator"]["fake"], fake)
        np.testing.assert_allclose(terms["generator"]["fake"], generator)

    def test_least_squares_has_three_targets(self):
        knobs = dict(fake_target=-1.0, real_target=2.0, generator_target=0.5)
        terms = least_squares(*self.logits, **knobs)
        assert terms["discriminator"]["real"][0] == 0
        assert terms["discriminator"]["fake"][1] == pytest.approx(0.125)
        assert terms["generator"]["fake"][0] == 0

    @pytest.mark.parametrize(
        ("distance", "expected"),
        [
            (l1, 2 * 0.5),
            (l2, 2 * 0.25),
            (functools.partial(charbonnier, epsilon=1.2), 2 * 1.3),
            (
                channel_cross_entropy,
                -2 * (0.375 * np.log(0.625) + 0.625 * np.log(0.375)),
            ),
        ],
    )
    def test_distances_of_constant_images(self, distance, expected):
        a = jnp.full((3, 4, 5, 2), 0.25)
        found = distance(a, a - 0.5, weight=2.0)
        np.testing.assert_allclose(found, [expected] * 3, rtol=1e-6)

    def test_cross_entropy_of_channels_pulls_back_what_is_saturated_wrongly(self):
        before = jnp.array([[-7.5, -2.0, 0.0, 3.0, 7.5]])  # of the tanh
        right = jnp.array([[1.0, -1.0, 0.5, -1.0, 1.0]])
        total = lambda distance, u: 5 * jnp.sum(distance(jnp.tanh(u), right))
        slope = jax.grad(functools.partial(total, channel_cross_entropy))(before)
        expected = jnp.tanh(before) - right  # 2 (q - p)
        np.testing.assert_allclose(slope, expected, rtol=1e-4, atol=1e-6)
        assert abs(jax.grad(functools.partial(total, l1))(before)[0, 0]) < 1e-4


class TestPool:
    def visit(self, capacity=50, batches=250, size=8):
        """Fakes 0, 1, 2, ... through a pool: what is shown, and what is left."""

        def step(pool, index):
            fresh = (index * size + jnp.arange(size, dtype=jnp.float32))[:, None]
            key = jax.random.fold_in(jax.random.key(0), index)
            return replay.exchange(pool, fresh, key)

        pool = replay.empty_pool(capacity, jnp.zeros((1, 1)))
        pool, shown = jax.lax.scan(step, pool, jnp.arange(batches))
        return np.asarray(shown).reshape(-1), np.asarray(pool["images"])[:, 0]

    def test_first_fills_then_swaps_half_of_them(self):
        shown, left = self.visit()
        fresh = np.arange(2000)
        np.testing.assert_array_equal(shown[:50], fresh[:50])
        later = shown[50:]
        swapped = later != fresh[50:]
        # 1950 fair coins: a standard deviation of 0.0113.
        assert abs(swapped.mean() - 0.5) < 0.045
        assert (later[swapped] < fresh[50:][swapped]).all()
        # Every fake is shown once, or still there; the first 50 once more.
        np.testing.assert_array_equal(np.sort([*later, *left]), fresh)

    def test_stored_ones_are_drawn_evenly(self):
        """A stored fake stays for a geometric time with mean 2 x capacity."""
        shown, _ = self.visit(capacity=20)
        age = np.arange(2000) - shown
        old = age[20:][age[20:] > 0]
        assert abs(old.mean() - 2 * 20) < 5  # about 980 ages: deviation 1.3

    def test_no_gradient_flows_into_it(self):
        def shown(fresh):
            pool = replay.empty_pool(4, jnp.zeros((1, 1)))
            return jnp.sum(replay.exchange(pool, fresh, jax.random.key(0))[1])

        assert np.all(jax.grad(shown)(jnp.ones((3, 1))) == 0)
