"""A study's journal from elsewhere: what it holds is numbers and texts, and nothing of it runs."""

import json
import pickle

import pytest
from studies import RATE, SPACE, Writing, study_of, trials_of

from genlab.errors import InputError
from genlab.process.signals import Stop
from genlab.sweep.search import SAMPLERS, distributions

optuna = pytest.importorskip("optuna", reason="searches need the extra `sweep`")


SPACE_OF_OPTUNA = {RATE: distributions(SPACE)[RATE]}


class _Payload:
    def __init__(self, path):
        self._path = path

    def __reduce__(self):
        return (open, (str(self._path), "w"))


def _planted(sweep, payload):
    """A study that has two trials, a pickle in their attributes where Optuna would load it."""
    text = pickle.dumps(payload).hex()
    keys = ("cma:optimizer:0", "sepcma:optimizer:0", "cma:generation")
    for seed in range(2):
        planted = optuna.trial.create_trial(
            params={RATE: 1e-3, "seed": seed},
            distributions=distributions(SPACE),
            value=0.5,
            system_attrs=dict.fromkeys(keys, text),
        )
        study_of(sweep).known.add_trial(planted)


@pytest.mark.parametrize("sampler", sorted({*SAMPLERS} - {"grid"}))
def test_pickle_in_a_journal_is_not_loaded(sampler, tmp_path, monkeypatch):
    sweep, mark = tmp_path / "s", tmp_path / "taken"
    _planted(sweep, _Payload(mark))
    monkeypatch.setattr(pickle, "loads", lambda *_: pytest.fail("a pickle was loaded"))
    study_of(sweep, sampler=sampler, trials=7).train(Writing(sweep), Stop())
    assert len(trials_of(sweep)) == 7
    assert not mark.exists()


@pytest.mark.parametrize(
    ("key", "value"),
    [("objective", "planted_part:loss"), ("seed", "planted_part:loss"), ("seed", 3)],
)
def test_trial_of_a_journal_is_a_point_of_the_space_or_refused(
    key, value, tmp_path, monkeypatch
):
    """A part that it names is not even imported."""
    (tmp_path / "planted_part.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    choice = optuna.distributions.CategoricalDistribution((value,))
    for state in (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.RUNNING):
        sweep = tmp_path / state.name
        planted = optuna.trial.create_trial(
            params={RATE: 1e-3, key: value},
            distributions={**SPACE_OF_OPTUNA, key: choice},
            value=0.5 if state.is_finished() else None,
            state=state,
        )
        study_of(sweep).known.add_trial(planted)
        with pytest.raises(InputError, match="not in the space|not IntDistribution"):
            study_of(sweep, trials=1).train(Writing(sweep), Stop())


def test_search_keeps_no_pickle_in_its_journal(tmp_path):
    sweep = tmp_path / "s"
    study_of(sweep, sampler="cmaes", trials=14).train(Writing(sweep), Stop())
    lines = (sweep / "study.journal").read_text().splitlines()
    attributes = [json.loads(line).get("system_attr", {}) for line in lines]
    assert {key for one in attributes for key in one} == {"cma:generation"}
