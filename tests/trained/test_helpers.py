"""The first process among others that answer from a table: what it does where they can help, and where not."""

import json
import logging

import numpy as np
import pytest

from genlab.errors import InputError
from genlab.process import peers
from genlab.trained.helpers import Helpers, Pieces, made


class View:
    """What a state is looked at through."""

    def __init__(self, helpers=None):
        self.helpers = helpers

    def at(self, state):
        self.state = state


def squares(view, *, count):
    """The square of each index of `count`."""
    return Pieces(count, lambda only: ({"square": np.float32(i) ** 2} for i in only))


def failing(view, *, count):
    def make(only):
        raise ValueError("no such file")
        yield

    return Pieces(count, make)


@pytest.fixture
def answers(monkeypatch):
    """What the other process says by stage; all that the first says is kept under `said`."""
    found = {"ready": "", "made": "", "said": []}

    def awaited(key):
        own = key.endswith("/0")
        return json.dumps("" if own else found[key.split("/")[-2]])

    monkeypatch.setattr(peers, "count", lambda: 2)
    monkeypatch.setattr(peers, "tell", lambda key, text: found["said"].append(text))
    monkeypatch.setattr(peers, "awaited", awaited)
    return found


def looked(work, **arguments):
    """What the first gets of a work while it looks at a state."""
    view, found = View(Helpers(lambda state: None)), []
    view.helpers.look(view, {}, lambda: found.append(made(view, work, **arguments)))
    return view.helpers, found[0]


def told(squared):
    return [float(piece["square"]) for piece in squared]


def test_alone_and_without_enough_pieces_the_first_makes_all(answers):
    assert told(made(View(), squares, count=5)) == [0, 1, 4, 9, 16]
    helpers, found = looked(squares, count=1)
    assert told(found) == [0] and not helpers.shared
    assert answers["said"] == [json.dumps({"over": True})]


def test_pieces_of_all_come_together_in_order(answers, monkeypatch):
    others = iter([1.0, 9.0, 9.0])  # as if the other had made the odd ones

    def gathered(mine):
        return {"square": np.stack([mine["square"], np.float32(next(others))])}

    monkeypatch.setattr("jax.experimental.multihost_utils.process_allgather", gathered)
    helpers, found = looked(squares, count=5)
    assert told(found) == [0, 1, 4, 9, 16]
    assert (helpers.own, helpers.shared) == (3, 5)
    asked = json.loads(answers["said"][0])
    assert asked["work"].endswith(":squares") and asked["arguments"] == {"count": 5}


def test_a_process_that_cannot_help_is_done_without(answers, caplog):
    answers["ready"] = "no run folder 'runs/classifier'"
    with caplog.at_level(logging.WARNING):
        helpers, found = looked(squares, count=5)
    assert told(found) == [0, 1, 4, 9, 16] and not helpers.shared
    assert "process 1 cannot help (no run folder" in caplog.text


def test_what_json_does_not_keep_is_made_alone_and_counted_by_nobody(answers):
    helpers, found = looked(squares, count=np.int64(3))
    assert told(found) == [0, 1, 4] and not helpers.shared
    assert answers["said"] == [json.dumps({"over": True})]


def test_a_share_that_fails_is_an_error_of_the_first(answers):
    answers["made"] = "the disk is gone"
    with pytest.raises(InputError, match="process 1 failed at its share: the disk"):
        looked(squares, count=5)
    with pytest.raises(ValueError, match="no such file"):
        looked(failing, count=5)


def test_other_states_are_shown_only_while_the_first_looks(answers, monkeypatch):
    shown = []
    monkeypatch.setattr(
        "genlab.trained.helpers.tree_from_first",
        lambda shapes, make: shown.append(make()),
    )
    view, first, best = View(Helpers(lambda state: None)), {"step": 1}, {"step": 2}

    def work():
        for state in (first, best, best, first):
            view.helpers.show(state)

    view.helpers.show(best)
    view.helpers.look(view, first, work)
    view.helpers.show(best)
    assert shown == [best, first]
