"""Choosing needs a split of its own; watching says which split it looked at."""

import json

import pytest
import recipes

from genlab.errors import InputError
from genlab.run.recipe import Recipe
from genlab.sweep.judge import check_measured
from genlab.training.fit import check_fit
from genlab.training.train import train

EMPTY = dict(data__validation_fraction="0.0")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            EMPTY,
            "'validation', of which 'digits' has no examples; data.validation_frac",
        ),
        (dict(eval__split="test"), "which the results would be of;"),
        (
            dict(data__test_fraction="0.0"),
            "would be of in the place of the empty 'test'",
        ),
    ],
)
def test_nothing_is_chosen_on_what_is_reported(changes, told):
    """The best checkpoint, and the target of a search, a pruner or evolution."""
    config = recipes.plain("classifier", **changes)
    built = Recipe.build(config)  # a trained run is looked at all the same
    with pytest.raises(InputError, match=f"eval.best='cross_entropy' chooses .*{told}"):
        check_fit(built, built.feed())
    with pytest.raises(InputError, match=f"--target=accuracy chooses .*{told}"):
        check_measured(config, "accuracy")
    config["eval"]["best"] = ""
    built = Recipe.build(config)
    check_fit(built, built.feed())


def test_target_of_a_metric_that_is_not_chosen_is_refused_up_front():
    config = recipes.plain("classifier")
    for target in ("mine:metric/value", "-frechet/distance"):
        with pytest.raises(InputError, match=f"{target} is not measured: config.eval"):
            check_measured(config, target)
    with pytest.raises(InputError, match="=loss is not measured: config.eval.metrics"):
        check_measured(recipes.plain("gan_ring"), "loss")


def test_the_log_names_the_split_that_was_looked_at(tmp_path):
    train(recipes.plain("classifier", eval__best="", **EMPTY), tmp_path / "run", {})
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    assert {json.loads(line)["split"] for line in lines} >= {"train", "test"}
    assert "validation" not in {json.loads(line)["split"] for line in lines}
