"""Shares of a sweep: commands that train its trials between them, each once."""

import itertools
import json

import pytest
import recipes

from genlab.commands.cli import main
from genlab.errors import InputError
from genlab.run.folder import in_use, locked
from genlab.sweep.share import Share

VAE = str(recipes.CONFIGS / "vae.py:tiny")
QUICK = ("--config.devices=1", "--config.sample.plots=()")


def _sweep(workdir, *more):
    words = ("sweep", f"--config={VAE}", "--grid=objective.beta=1,2", "--seeds=2")
    return main(["launch.py", *words, f"--workdir={workdir}", *QUICK, *more])


def _results(sweep):
    found = {}
    for path in sweep.glob("*/results.json"):
        kept = json.loads(path.read_text())
        found[path.parent.name] = (kept["step"], kept["metrics"])
    return found


def _refused(share, sweep, told):
    with pytest.raises(InputError, match=told), share.held(sweep):
        pass


def test_every_trial_is_in_one_share():
    trials = list(range(7))
    for count in range(1, 9):
        shares = [Share(number + 1, count).trials(trials) for number in range(count)]
        assert sorted(itertools.chain(*shares)) == trials
        assert max(map(len, shares)) - min(map(len, shares)) <= 1


@pytest.mark.parametrize("text", ["", "1", "0/2", "3/2", "1/2/3", "a/b", "-1/2", "1/"])
def test_what_is_no_share_is_refused(text, tmp_path, capsys):
    assert _sweep(tmp_path / "s", f"--share={text}") == 2
    assert "is not K/N with K from 1 to N" in capsys.readouterr().err
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("other", ["--pruner=halving", "--evolve=4"])
def test_trials_that_are_compared_are_not_shared_out(other, tmp_path, capsys):
    target = ("--target=negative_elbo", other, "--share=1/2")
    assert _sweep(tmp_path / "s", *target) == 2
    assert "compares all trials" in capsys.readouterr().err


def test_search_is_shared_without(tmp_path, capsys):
    words = ("sweep", f"--config={recipes.CONFIGS / 'gan_ring.py:tiny'}")
    search = ("--sweep=space", "--target=-mode_coverage/high_quality_share")
    more = (
        "--trials=2",
        "--engine=local",
        "--share=1/2",
        f"--workdir={tmp_path / 's'}",
    )
    assert main(["launch.py", *words, *search, *more]) == 2
    assert "a search is shared by the same command" in capsys.readouterr().err


def test_shares_train_what_one_command_would(tmp_path, capsys):
    assert _sweep(tmp_path / "whole") == 0
    assert _sweep(tmp_path / "shared", "--share=1/2") == 0
    assert len(_results(tmp_path / "shared")) == 2
    assert _sweep(tmp_path / "shared", "--share=2/2") == 0
    assert _results(tmp_path / "shared") == _results(tmp_path / "whole")
    tables = [tmp_path / name / "results.csv" for name in ("shared", "whole")]
    assert tables[0].read_text() == tables[1].read_text()
    capsys.readouterr()


def test_nobody_else_trains_what_a_share_does(tmp_path):
    whole, first, second = Share(), Share(1, 2), Share(2, 2)
    with first.held(tmp_path):
        assert in_use(tmp_path) and not first.others_are_at_work(tmp_path)
        for refused in (first, whole, Share(1, 3)):
            _refused(refused, tmp_path, "another process trains")
        with second.held(tmp_path):
            assert first.others_are_at_work(tmp_path)
    assert not in_use(tmp_path)
    with whole.held(tmp_path):
        _refused(second, tmp_path, "trains the whole sweep")
    with locked(tmp_path):
        _refused(whole, tmp_path, "in use by another process")


def test_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    _refused(Share(1, 2), tmp_path / "file" / "sweep", "cannot be written")
