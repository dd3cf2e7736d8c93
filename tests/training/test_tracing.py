"""A part that branches in Python on a float knob: named by `check`, and by a sweep before it begins."""

import jax.numpy as jnp
import recipes

from genlab.commands.cli import main
from genlab.run.recipe import Recipe
from genlab.training.check import describe
from genlab.training.tracing import untraceable

OBJECTIVE = "test_tracing:branching"


def branching(reconstruction, kl, *, beta: float = 1.0, shift: float = 0.0):
    """A loss that looks at beta in Python."""
    weight = max(0.5, beta)
    return {"bound": reconstruction + weight * kl + jnp.float32(0) * shift}


def _config():
    config = recipes.plain("vae")
    config["objective"] = {"name": OBJECTIVE, "beta": 2.0, "shift": 1.0}
    return config


def test_the_knob_and_its_part_are_named():
    built = Recipe.build(_config())
    told = untraceable(built, built.feed())
    assert told == f"{OBJECTIVE!r} branches in Python on its knob objective.beta"
    assert not untraceable(built, built.feed(), [("objective", "shift")])
    shown = describe(_config())
    assert f"population  no: {told}; sweep it with --engine=local" in shown
    assert "population  any float" in describe(recipes.plain("vae"))


def test_a_sweep_is_refused_in_a_line_and_its_trials_are_recorded(tmp_path, capsys):
    arguments = [
        *("launch.py", "sweep", f"--config={recipes.CONFIGS / 'vae.py:tiny'}"),
        *(f"--config.objective={OBJECTIVE}", f"--workdir={tmp_path}"),
        "--grid=objective.beta=0.25,2.0",
    ]
    assert main(arguments) == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert "objective.beta, which no population can vary; take --engine=local" in last
    failed = [path.read_text() for path in tmp_path.glob("*/failed.txt")]
    assert len(failed) == 2 and all("objective.beta" in text for text in failed)
    assert not list(tmp_path.glob("*/metrics.jsonl"))
