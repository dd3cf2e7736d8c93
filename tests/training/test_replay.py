"""A loss that is not finite is played again, and whoever made it so is named."""

import dataclasses
import json
import re
import shlex
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import optax
import pytest
import recipes

from genlab.commands.cli import main
from genlab.training import replay as replays
from genlab.trials import failure

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "not-finite.md"
QUICK = (
    *("--config.devices=1", "--config.sample.plots=()", "--config.eval.every=0"),
    *("--config.eval.final_metrics=()", "--config.train.steps_per_call=4"),
    "--config.eval.best=",
)

PLANTED = """
import flax.linen as nn
import jax
import jax.numpy as jnp


def game(real_logits, fake_logits, step, *, player, at=2):
    terms = {
        "discriminator": {"all": jax.nn.softplus(fake_logits - real_logits)},
        "generator": {"all": jax.nn.softplus(real_logits - fake_logits)},
    }
    terms[player]["planted"] = jnp.log(jnp.where(step == at, -1.0, 1.0) + 0 * fake_logits)
    return terms


def penalty(critic, real, step, *, weight=1.0, at=2):
    return weight * jnp.square(critic(real)) / jnp.where(step == at, 0.0, 1.0)


def bound(reconstruction, kl, step, *, at=2):
    return {"reconstruction": reconstruction, "kl": kl * jnp.exp(jnp.where(step == at, 1e3, 0.0))}


class Generator(nn.Module):
    width: int = 8

    @nn.compact
    def __call__(self, z, train=True):
        moves = self.variable("batch_stats", "moves", lambda: jnp.zeros(()))
        if train:
            moves.value = moves.value + 1
        x = nn.relu(nn.Dense(self.width, name="first")(z))
        return nn.Dense(2, name="last")(x * jnp.where(moves.value == 4, jnp.inf, 1.0))
"""


@pytest.fixture
def planted(tmp_path, monkeypatch):
    (tmp_path / "planted.py").write_text(PLANTED)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    yield tmp_path / "run"
    sys.modules.pop("planted", None)


def replayed(workdir, capsys, *training):
    """What the command says of a run that ends on a loss that is not finite."""
    command = [*training, f"--workdir={workdir}", *QUICK]
    assert main(["launch.py", *command]) == 1
    capsys.readouterr()
    assert main(["launch.py", "replay", f"--workdir={workdir}", "--trust"]) == 0
    return capsys.readouterr().out


RING, VAE = "--config=gan_ring:tiny", "--config=vae:tiny"
STACK = "--config=stacked_autoencoder:tiny"
GAME = "--config.objective=planted:game"
PENALTY = "--config.experiment.penalty=planted:penalty"


@pytest.mark.parametrize(
    ("training", "player", "term", "place"),
    [
        (
            [RING, GAME, "--config.objective.player=generator"],
            *("generator", "planted", r"log in objective game \(planted.py:12, game\)"),
        ),
        (
            [RING, GAME, "--config.objective.player=discriminator"],
            *("discriminator", "planted", r"log in objective game \(planted.py:12"),
        ),
        (
            [RING, PENALTY],
            *("discriminator", "penalty", r"div in penalty penalty \(planted.py:17"),
        ),
        (
            [RING, "--config.model.generator=planted:Generator"],
            *("", "", "where in network generator / Generator"),
        ),
        (  # in the first round of a stage, which takes over from those before it
            [STACK, "--config.optimizer.classifier.learning_rate=1e30"],
            *("classifier", "parameter_norm", r"genlab_sum \(sums.py"),
        ),
        (
            [VAE, "--config.objective=planted:bound"],
            *("vae", "kl", r"exp in objective bound \(planted.py:21, bound\)"),
        ),
    ],
)
def test_player_term_and_place(training, player, term, place, planted, capsys):
    said = replayed(planted, capsys, *training)
    first, second, *rest = said.splitlines()
    assert first.startswith("step ") and first.endswith("(as when it was trained)")
    assert f"of player {player!r}: {term!r} is " in first or not player, first
    assert re.match(f"first not finite: {place}", second), second
    assert any(line.startswith("  given ") and "norm " in line for line in rest)
    assert rest[-1].startswith("  made ") and "not finite" in rest[-1]


def poisoned(experiment, player, at):
    """The experiment in which the update of a player is NaN in its round `at`, from 0."""
    optimizer = experiment.optimizers[player]

    def update(gradient, state, params):
        moved, count = state
        made, moved = optimizer.transform.update(gradient, moved, params)
        bad = jnp.where(count == at, jnp.nan, 1.0)
        made = jax.tree.map(lambda leaf: (leaf * bad).astype(leaf.dtype), made)
        return made, (moved, count + 1)

    first = lambda params: (optimizer.transform.init(params), jnp.zeros(()))
    poison = optax.GradientTransformation(first, update)
    new = {
        **experiment.optimizers,
        player: dataclasses.replace(optimizer, transform=poison),
    }
    return dataclasses.replace(experiment, optimizers=new)


GAMES = [
    name
    if name in ("gan_ring", "rbm", "vae")
    else pytest.param(name, marks=pytest.mark.full)
    for name in recipes.all_games()
]


@pytest.mark.parametrize("name", GAMES)
def test_every_player_of_every_family_is_named(name):
    recipe = recipes.recipe(name)
    for player in recipe.experiment.optimizers:
        experiment = poisoned(recipe.experiment, player, 0)
        other = dataclasses.replace(recipe, experiment=experiment)
        found = replays.first_failure(other, other.init_state(), 1)
        assert found.player == player, str(found)
        assert "optimizer" in found.origin.scopes, str(found)


def test_what_is_no_such_run_is_refused_and_what_is_finite_now_is_said(planted, capsys):
    flags = ["launch.py", "replay", f"--workdir={planted}", "--trust"]
    assert main(flags) == 2
    training = [RING, PENALTY, f"--workdir={planted}", *QUICK]
    assert main(["launch.py", *training]) == 1
    record = json.loads((planted / "config.json").read_text())
    record["config"]["experiment"]["penalty"] = {"name": "planted:penalty", "at": 99}
    (planted / "config.json").write_text(json.dumps(record))
    assert main(flags) == 1
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert line.startswith("genlab: error: rounds 1 to 4 are finite now, and step 3")
    failure.record(planted, "out of memory")
    assert main(flags) == 2
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert "has not ended on a loss that is not finite" in line


def test_the_page_says_what_happens(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    train, replay = re.findall(r"^\$ genlab (.*)$", PAGE.read_text(), re.MULTILINE)
    assert main(["genlab", *shlex.split(train)]) == 1
    capsys.readouterr()
    assert main(["genlab", *shlex.split(replay)]) == 0
    said = capsys.readouterr().out.splitlines()
    page = re.sub(r"\.py:\d+", ".py", PAGE.read_text())
    shown = re.findall(r"^(?:step|first not|  given|  made).*$", page, re.MULTILINE)
    assert [re.sub(r"\.py:\d+", ".py", line) for line in said] == shown
