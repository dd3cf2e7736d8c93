"""Parts ask by name for what they need, and any float knob may follow a schedule."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import recipes

from genlab.config import load as configs
from genlab.config import override
from genlab.config.catalogue import collect, render
from genlab.errors import InputError
from genlab.game import experiment as game
from genlab.game.slots import ALWAYS, slots_of
from genlab.numbers import Positive
from genlab.part import ask, needs_of, settled
from genlab.registry import experiments, models, objectives, optimizers
from genlab.run.build import SECTIONS, build_experiment
from genlab.run.recipe import Recipe
from genlab.trained.encoding import untrained
from genlab.training.fit import check_fit
from genlab.training.rounds import rounds_of
from genlab.training.tracing import floats_of, untraceable


def needy(reconstruction, reconstructon, *, weight=1.0):
    return {"bound": weight * reconstruction + reconstructon}


def of_label(reconstruction, label):
    return {"bound": reconstruction * (label > 4)}


def by_the_clock(
    reconstruction, kl, step, key, batch, label=None, *, rate: float = 1.0
):
    assert label is None or label.shape == kl.shape
    noise = 0 * jax.random.normal(key, kl.shape)
    pixels = jnp.sum(batch["x"], axis=(1, 2, 3))
    return {"bound": reconstruction + rate * step * kl + noise + 0 * pixels}


def drift(real_logits, /, fake_logits, *, weight: float):
    return weight * jnp.square(real_logits) + 0 * fake_logits


def test_a_part_is_given_what_it_names():
    offered = {"a": 1, "b": 2, "c": 3}
    for part, found in (
        (lambda b: b, 2),
        (lambda c, /, a: (c, a), (3, 1)),
        (lambda a, missing=7, *, b=5: (a, missing, b), (1, 7, 5)),
        (functools.partial(lambda a, b: (a, b), b=8), (1, 8)),
        (jax.jit(lambda a: a), 1),
    ):
        assert ask(part, offered, "this test", "part") == found

    @dataclasses.dataclass
    class Called:
        power: int = 2

        def __call__(self, c):
            return c**self.power

    assert ask(Called(), offered, "this test", "part") == 9
    assert needs_of(Called) == needs_of(Called()) == {"c": True}
    with pytest.raises(
        InputError, match="'<lambda>' needs 'd', which this test does not .* a, b, c"
    ):
        ask(lambda d: d, offered, "this test", "part")


@pytest.mark.parametrize(
    ("name", "section", "part", "told"),
    [
        (
            "vae",
            "objective",
            {"name": "test_part:needy"},
            "'needy' needs 'reconstructon', which 'vae' does not offer its objective; it"
            + " offers reconstruction, kl, kl_per_dimension, .*step; did you mean 'reconstru",
        ),
        ("gan_ring", "objective", {"name": "elbo"}, "'elbo' needs 'reconstruction'"),
        ("gan_ring", "penalty", {"name": "l1"}, "objective 'l1' needs 'outputs'"),
        ("gan_ring", "penalty", ["r1", "r1"], "chooses 'r1' twice"),
        ("vae", "likelihood", ["bernoulli", "gaussian"], "is not a text or a dict"),
        (
            "gan_ring",
            "objective",
            {"name": "test_part:of_label"},
            "needs 'reconstruction'",
        ),
    ],
)
def test_an_unknown_need_is_refused_when_the_config_is_read(name, section, part, told):
    config = recipes.plain(name)
    home = config if section == "objective" else config["experiment"]
    home[section] = part
    with pytest.raises(InputError, match=told):
        Recipe.build(config)


def test_labels_that_the_data_lack_are_refused():
    config = recipes.plain("vae")
    config["objective"] = {"name": "test_part:of_label"}
    labelled = Recipe.build(config).data
    sections = {name: config[name] for name in SECTIONS}
    with pytest.raises(InputError, match="'vae' of unlabelled data does not offer its"):
        build_experiment(sections, dataclasses.replace(labelled, num_classes=0))


def test_every_slot_of_every_family_says_what_it_offers():
    for name in experiments:
        family = experiments.find(name)
        asked = {slot for slot, parts in slots_of(family).items() if parts.asked}
        assert set(family.OFFERS) == {"objective", *asked}, name
        for offered in family.OFFERS.values():
            assert not set(offered) & set(ALWAYS)


def traced(name, **knobs):
    """Names of the metrics of a round, traced on shapes, of a config with other knobs."""
    config = recipes.plain(name)
    config["experiment"] |= knobs
    built = Recipe.build(config)
    feed = recipes.feed_of(built)
    inputs = (built.shapes(), feed.resident, feed.chunk(0, 1), np.uint32(0))
    return set(jax.eval_shape(rounds_of(built.experiment, feed), *inputs)[1])


PENALTIES = ["r1", "gradient_penalty"]


def test_a_slot_may_hold_several_parts():
    found = {key for key in traced("gan_ring", penalty=PENALTIES) if "penalty" in key}
    assert found == {f"discriminator/penalty_{name}" for name in PENALTIES}
    assert "discriminator/penalty" in traced("gan_ring", penalty="gradient_penalty")


def test_a_family_offers_what_it_declares(monkeypatch):
    family = experiments.find("classifier")
    monkeypatch.setattr(family, "OFFERS", {"objective": ("logits", "z")})
    with pytest.raises(ValueError, match=r"declares .* \['logits', 'z'\], and offers"):
        traced("classifier")


@pytest.mark.full
def test_every_slot_is_asked_with_what_is_declared(monkeypatch):
    """Of every slot that a config fills; other names would be refused by `ask` itself."""
    asked = set()
    original = game.ask_part

    def recorded(experiment, slot, *arguments):
        asked.add((type(experiment).__name__, slot))
        return original(experiment, slot, *arguments)

    monkeypatch.setattr(game, "ask_part", recorded)
    for name, knobs in (
        *((name, {}) for name in recipes.representatives()),
        ("gan_ring", {"penalty": PENALTIES}),
        ("pix2pix", {"perceptual": "l2"}),
        ("super_resolution", {"perceptual": "l2"}),
        ("denoising_autoencoder", {"regularizer": "l1_sparsity"}),
        ("rbm", {"regularizer": "l1_sparsity"}),
        ("cyclegan", {"identity": "l1"}),
    ):
        traced(name, **knobs)
    families = [experiments.find(name) for name in experiments]
    wanted = {(family.__name__, slot) for family in families for slot in family.OFFERS}
    assert asked == wanted


def test_an_objective_sees_key_step_batch_and_label():
    config = recipes.plain("vae")
    config["objective"] = {"name": "test_part:by_the_clock", "rate": 0.5}
    _, metrics = recipes.run_rounds(Recipe.build(config), 2, 1)
    plain = recipes.recipe("vae")
    _, reference = recipes.run_rounds(plain, 1, 1)
    bound = reference["vae/negative_elbo"][0] - reference["vae/unweighted_kl"][0]
    np.testing.assert_allclose(metrics["vae/bound"][0], bound, rtol=1e-6)
    grown = metrics["vae/negative_elbo"] - 0.5 * metrics["vae/unweighted_kl"]
    np.testing.assert_allclose(metrics["vae/bound"][1], grown[1], rtol=1e-6)


BETA = {"name": "warmup", "steps": 4, "value": 2.0}


def test_a_scheduled_knob_of_an_objective_is_what_it_is_at_each_step():
    config = recipes.plain("vae")
    config["objective"]["beta"] = BETA
    built = Recipe.build(config)
    _, metrics = recipes.run_rounds(built, 4, 4)
    share = metrics["vae/kl"] / metrics["vae/unweighted_kl"]
    np.testing.assert_allclose(share, [0.0, 0.5, 1.0, 1.5], rtol=1e-5)
    assert dict(floats_of(config))[("objective", "beta", "value")] == 2.0
    check_fit(built, built.feed())
    assert not untraceable(built, built.feed())


def test_schedules_of_penalties_likelihoods_and_families():
    config = recipes.plain("gan_ring")
    halved = {"name": "exponential", "steps": 1, "rate": 0.5}
    penalty = {"name": "r1", "weight": {**halved, "value": 3.0}}
    config["experiment"]["penalty"] = penalty
    _, metrics = recipes.run_rounds(Recipe.build(config), 2, 2)
    config["experiment"]["penalty"] = {"name": "r1", "weight": 1.5}
    _, weaker = recipes.run_rounds(Recipe.build(config), 2, 2)
    first = metrics["discriminator/penalty"] / weaker["discriminator/penalty"]
    np.testing.assert_allclose(first[0], 2.0, rtol=1e-5)

    config = recipes.plain("vae_gaussian", "fixed", data__image_size="8")
    config["experiment"]["likelihood"]["scale"] = {**halved, "value": 4.0}
    built = Recipe.build(config)
    part = objectives.choose(config["experiment"]["likelihood"])
    assert float(settled(part, 2).keywords["scale"]) == 1.0
    # The trained model is looked at with the scale of its step.
    state = built.init_state()
    for step, scale in ((0, 4.0), (1, 2.0)):
        trained = built.trained(state.replace(step=jnp.int32(step)))
        found = trained.scores("test", 256)["reconstruction"].mean()
        fixed = recipes.plain("vae_gaussian", "fixed", data__image_size="8")
        fixed["experiment"]["likelihood"]["scale"] = scale
        reference = Recipe.build(fixed).trained(state).scores("test", 256)
        np.testing.assert_allclose(found, reference["reconstruction"].mean(), rtol=1e-5)

    config = recipes.plain("bicyclegan")
    config["experiment"]["kl_weight"] = {**halved, "value": 0.25}
    built = Recipe.build(config)
    assert float(built.experiment.at(jnp.int32(2)).kl_weight) == 0.0625
    assert (
        recipes.recipe("bicyclegan").experiment.at(0)
        is recipes.recipe("bicyclegan").experiment
    )


@pytest.mark.parametrize(
    ("section", "knob", "value", "told"),
    [
        ("objective", "beta", {"name": "linear"}, "'linear' needs the knob 'steps'"),
        ("objective", "beta", {"name": "liner"}, "did you mean 'linear'"),
        ("objective", "beta", {"value": 1.0}, "chooses no schedule"),
        (
            "objective",
            "beta",
            {**BETA, "value": -1.0},
            "beta.value=-1.0 is not .* 0 or",
        ),
        ("objective", "beta", {**BETA, "value": "two"}, "is not a finite number"),
        ("experiment", "latent_dim", BETA, "latent_dim=.* is not a whole number"),
    ],
)
def test_a_schedule_that_cannot_be_followed_is_refused(section, knob, value, told):
    config = recipes.plain("vae")
    config[section][knob] = value
    with pytest.raises(InputError, match=told):
        Recipe.build(config)


def test_a_schedule_stays_in_the_range_of_its_knob_until_the_last_round():
    config = recipes.plain("vae_gaussian", "fixed", data__image_size="8")
    scale = {"name": "linear", "steps": 4, "value": 0.5}
    for end, steps in ((0.1, 8), (0.0, 3), (0.0, 8)):
        config["objective"]["beta"] = {"name": "constant", "value": 2}
        config["experiment"]["likelihood"]["scale"] = {**scale, "end": end}
        config["train"]["steps"] = steps
        built = Recipe.build(config)
        if end or steps < 4:
            check_fit(built, built.feed())
            continue
        told = "in round 5 objective 'gaussian': scale=0.0 is not .* above 0"
        with pytest.raises(InputError, match=told):
            check_fit(built, built.feed())


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scaled:
    """A loss that is an object."""

    beta: Positive = 1.0

    def __call__(self, reconstruction, kl):
        return {"bound": reconstruction + self.beta * kl}


def test_schedules_of_a_part_that_is_an_object():
    config = recipes.plain("vae")
    decay = {"name": "linear", "steps": 4}
    config["objective"] = {"name": "test_part:Scaled", "beta": decay}
    built = Recipe.build(config)
    assert settled(built.experiment.objective, 2).beta == 0.5
    with pytest.raises(InputError, match="round 5 objective .*Scaled': beta=0.0 is"):
        check_fit(built, built.feed())


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tempered(experiments.find("vae")):
    """A family that looks at a float wherever it may."""

    heat: Positive = 1.0

    def players(self):
        assert 2 * self.heat is not None
        return super().players()

    def encode(self, params, extra, x, label=None):
        return super().encode(params, extra, x, label) * self.heat


def test_a_family_never_sees_a_schedule_in_the_place_of_its_float():
    config = recipes.plain("vae")
    decay = {"name": "exponential", "steps": 1, "rate": 0.5}
    config["experiment"] |= {"name": "test_part:Tempered", "heat": decay}
    built = Recipe.build(config)
    trained = built.trained(built.init_state())
    x = trained.examples("test", 2)["x"]
    codes = lambda: untrained(trained, {"x": x}, layers=False)[0]["codes"]
    hot = codes()
    trained.step = 1
    np.testing.assert_allclose(codes(), hot / 2)


def test_only_what_sees_the_step_follows_a_schedule():
    for registry, name, knobs, told in (
        (optimizers, "adam", {"learning_rate": BETA}, "has schedule=dict"),
        (models, "unet", {"dropout": BETA}, "dropout follows no schedule"),
        (
            objectives,
            "test_part:drift",
            {"weight": {"name": "constant"}},
            "needs a value",
        ),
    ):
        with pytest.raises(InputError, match=told):
            registry.check_knobs(name, knobs)


def test_schedules_and_lists_of_parts_on_the_command_line():
    config = configs.load(str(recipes.CONFIGS / "gan_ring.py:tiny"))
    weight = "experiment.penalty.weight"
    for key, text in (
        (weight, "{'name': 'linear', 'steps': 10}"),
        (f"{weight}.value", "4"),
        (f"{weight}.end", "0.5"),
    ):
        override.override(config, key, text)
    assert configs.plain(config)["experiment"]["penalty"]["weight"] == {
        "name": "linear",
        "steps": 10,
        "value": 4.0,
        "end": 0.5,
    }
    with pytest.raises(InputError, match="did you mean 'end'"):
        override.override(config, f"{weight}.ends", "1")
    both = "('r1', {'name': 'gradient_penalty', 'weight': 3.0})"
    override.override(config, "experiment.penalty", both)
    configs.check_parts(configs.plain(config))
    # One of them goes by its name, in a sweep too.
    end = "experiment.penalty.gradient_penalty.weight.end"
    for key, text in (
        ("experiment.penalty.r1.weight", "0.5"),
        (end.removesuffix(".end"), "{'name': 'linear', 'steps': 10}"),
        (end, "0.5"),
    ):
        override.override(config, key, text)
    linear = {"name": "linear", "steps": 10, "end": 0.5}
    assert configs.plain(config)["experiment"]["penalty"] == [
        {"name": "r1", "weight": 0.5},
        {"name": "gradient_penalty", "weight": linear},
    ]
    for key, told in (("r1.wieght", "did you mean 'weight'"), ("0.weight", "holds r1")):
        with pytest.raises(InputError, match=told):
            override.override(config, f"experiment.penalty.{key}", "1")
    override.override(config, "objective.real_label", "{'name': 'constant'}")
    configs.check_parts(configs.plain(config))


def test_a_part_by_its_name_alone_takes_knobs_too():
    config = configs.load(str(recipes.CONFIGS / "one_step.py:tiny"))
    assert config.experiment.sampler == "renoised"
    override.override(config, "experiment.sampler.steps", "4")
    override.override(config, "experiment.path.logit_std", "1.0")
    found = configs.plain(config)["experiment"]
    assert found["sampler"] == {"name": "renoised", "steps": 4}
    assert found["path"] == {"name": "straight", "logit_std": 1.0}
    configs.check_parts(configs.plain(config))
    with pytest.raises(InputError, match="did you mean 'logit_std'"):
        override.override(config, "experiment.path.logit_sdt", "1")


def test_list_shows_needs_and_offers():
    parts = collect()
    shown = {part["name"]: part for part in parts["objectives"]}
    assert shown["gradient_penalty"]["needs"] == [
        "critic",
        "real",
        "fake",
        "key",
        "step (or not)",
    ]
    gan = {part["name"]: part for part in parts["experiments"]}["gan"]
    assert gan["offers"]["penalty"][:2] == ["critic", "critic_of_fakes"]
    assert "key" in gan["offers"]["objective"]
    text = render({"experiments": [gan], "objectives": [shown["elbo"]]})
    assert (
        "offers its penalty: critic, critic_of_fakes, real, fake, real_logits" in text
    )
    assert "needs: reconstruction, kl" in text


def test_optimizers_by_import_path_take_what_all_players_may_add():
    decay = {"name": "linear", "steps": 4}
    adds = {"schedule": decay, "clip": 1.0, "accumulate": 2, "ema": 0.9}
    name = "optax.contrib:muon"
    assert {"ns_steps", "clip", "ema", "schedule"} <= set(optimizers.knobs(name))
    built = optimizers.build(name, learning_rate=0.1, ns_steps=3, **adds)()
    assert built.ema == 0.9 and built.accumulate == 2
    params = {"w": jnp.ones((4, 4)), "b": jnp.ones(4)}
    update, _ = built.transform.update(params, built.transform.init(params), params)
    assert not jnp.any(update["w"])  # accumulates
    with pytest.raises(InputError, match="learning_rate=-1.0 is not"):
        optimizers.build(name, learning_rate=-1.0)
    config = recipes.plain("vae")
    config["optimizer"]["vae"] = {"name": name, "learning_rate": 1e-2}
    _, metrics = recipes.run_rounds(Recipe.build(config), 2, 2)
    assert np.isfinite(metrics["vae/loss"]).all()


def signs(*, strength: float = 0.5):
    """A transformation without a learning rate."""
    return optax.chain(optax.scale_by_sign(), optax.scale(-strength))


def whole(*, strength: float = 0.5):
    from genlab.game.optim import Optimizer

    return Optimizer(optax.sgd(strength), ema=0.5)


def test_optimizers_of_ones_own():
    built = optimizers.build("test_part:signs", strength=0.25, ema=0.9)()
    update, _ = built.transform.update(jnp.array(-3.0), built.transform.init(0.0))
    assert float(update) == 0.25 and built.ema == 0.9
    with pytest.raises(InputError, match="has no knob 'schedule'"):
        optimizers.build("test_part:signs", schedule={"name": "constant"})
    assert optimizers.build("test_part:whole")().ema == 0.5
    with pytest.raises(InputError, match="'whole' makes an Optimizer, to which clip"):
        optimizers.build("test_part:whole", clip=1.0)()
