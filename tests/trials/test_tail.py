"""Lines of metrics as they come, each once."""

import json

import pytest

from genlab.errors import InputError
from genlab.storage import files
from genlab.trials.tail import Tail, value_of


def _line(step):
    return {"step": step, "split": "train", "values": {"loss": 1.0, "kl": None}}


def _text(*steps):
    return "".join(json.dumps(_line(step)) + "\n" for step in steps)


def test_each_line_once_and_a_cut_one_when_it_is_whole(tmp_path):
    path = tmp_path / "metrics.jsonl"
    tail = Tail(path)
    assert tail.lines() == []
    path.write_text(_text(1, 2) + _text(3)[:9])
    assert tail.lines() == [_line(1), _line(2)]
    with path.open("a") as file:
        file.write(_text(3)[9:])
    assert tail.lines() == [_line(3)]


def test_a_file_that_takes_the_place_of_the_one_just_opened_is_read_whole(
    tmp_path, monkeypatch
):
    """Between the opening of it and the next look."""
    path, opened = tmp_path / "metrics.jsonl", files.opened

    def replaced(path):
        file = opened(path)
        renewed = path.with_name("renewed")
        renewed.write_text(_text(1, 2, 4))
        renewed.replace(path)
        return file

    path.write_text(_text(1, 2, 3))
    tail = Tail(path)
    monkeypatch.setattr(files, "opened", replaced)
    assert tail.lines() == [_line(step) for step in (1, 2, 3)]
    monkeypatch.undo()
    assert tail.lines() == [_line(step) for step in (1, 2, 4)]


def test_damaged_lines_are_passed_over_and_the_file_is_named_once(tmp_path, caplog):
    path = tmp_path / "metrics.jsonl"
    damaged = [
        *(
            "{}",
            "[]",
            "null",
            '{"step": 1',
            '{"step": 1e999, "split": "a", "values": {}}',
        ),
        *('{"step": true, "split": "a", "values": {}}', "[" * 100_000, "1" * 5000),
        *('{"step": 1, "split": [], "values": {}}', '{"step": 1, "split": "a"}'),
        '{"step": 1, "split": "a", "values": {"b": "c"}}',
        '{"step": 1, "split": "a", "values": {"b": 1' + "0" * 400 + "}}",
    ]
    path.write_text(_text(1) + "".join(line + "\n" + _text(2) for line in damaged))
    assert Tail(path).lines() == [_line(1), *[_line(2)] * len(damaged)]
    assert caplog.text.count(f"{path} is passed over: it has damaged lines") == 1


def test_metric_that_failed_once_has_no_value_then_and_a_typo_is_said():
    assert value_of({"frechet/fid": 2.0, "loss": 1.0}, "-loss") == 1.0
    assert value_of({"loss": 1.0}, "frechet/fid") is None
    assert value_of({"frechet/fid": 2.0}, "loss") is None
    assert value_of({}, "loss") is None
    for typo in ("frechet/fix", "los"):
        with pytest.raises(InputError, match=f"{typo} is not measured; measured are f"):
            value_of({"frechet/fid": 2.0, "loss": 1.0}, typo)
