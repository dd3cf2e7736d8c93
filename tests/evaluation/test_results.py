"""What a run leaves: results of its newest state and of its best."""

import json

import pytest
import recipes

from genlab.evaluation.results import write_results
from genlab.run.course import load_run
from genlab.run.folder import results_file
from genlab.training.summary import closing
from genlab.training.train import train


# One is best after 8 rounds, one after 4.
@pytest.mark.parametrize("by", [pytest.param("kl", marks=pytest.mark.full), "-kl"])
def test_newest_and_best_are_both_measured_and_shown(by, tmp_path):
    config = recipes.plain("vae", eval__best=by)
    train(config, tmp_path, {})
    newest, best = (
        json.loads((tmp_path / results_file(of_best)).read_text())
        for of_best in (False, True)
    )
    told, page = closing(tmp_path, config, 1.0), (tmp_path / "report.html").read_text()
    if best["step"] == newest["step"]:
        assert best == newest
        assert f"the best by {by} as well" in told and "best state as well" in page
        return
    assert (best["step"], newest["step"]) == (4, 8)
    values = [found["metrics"]["held_out"]["values"]["kl"] for found in (best, newest)]
    assert (values[0] < values[1]) == (by == "kl")
    assert f"the best by {by}, after 4 rounds" in told
    assert f"{values[0]:.5g}" in told and f"{values[1]:.5g}" in told
    assert "after 4 rounds</h3>" in page
    recipe, state = load_run(tmp_path, best=True, place={})
    again = write_results(
        tmp_path, recipe.trained(state), config, file=results_file(True)
    )
    assert json.loads(json.dumps(again["metrics"])) == best["metrics"]


def test_a_collapse_is_in_the_results_and_on_the_page(tmp_path, monkeypatch):
    config = recipes.plain("gan_ring")
    train(config, tmp_path / "sound", {})
    monkeypatch.setattr("genlab.game.diagnostics.COLLAPSED", 100.0)
    train(config, tmp_path / "collapsed", {})
    for name, is_told in (("sound", False), ("collapsed", True)):
        results = json.loads((tmp_path / name / results_file(False)).read_text())
        page = (tmp_path / name / "report.html").read_text()
        assert ("alarms" in results) == ("has collapsed" in page) == is_told


def test_what_is_known_of_the_held_out_split_is_not_measured_again(tmp_path):
    config = recipes.plain("vae")
    train(config, tmp_path, {})
    file = tmp_path / results_file(False)
    record = json.loads(file.read_text())
    measured = record["metrics"]["held_out"]["values"]["kl"]
    record["metrics"]["held_out"]["values"]["kl"] = -1.0
    file.write_text(json.dumps(record))
    recipe, state = load_run(tmp_path, place={})
    trained = recipe.trained(state)

    def kl(split, *chosen):
        config["eval"]["final_split"] = split
        found = write_results(tmp_path, trained, config, chosen)["metrics"]
        assert {"held_out"} | {name for name in chosen} <= found.keys()
        return found["held_out"]["values"]["kl"]

    assert kl("test", "posterior") == -1.0
    assert kl("test", "posterior", "held_out") == measured
    assert kl("validation", "posterior") != measured  # known of the other split alone
