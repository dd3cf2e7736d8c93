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
