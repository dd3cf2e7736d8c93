"""Lines of metrics as they come, each once."""

import json

from genlab.sweep.tail import Tail


def _text(*steps):
    return "".join(json.dumps({"step": step}) + "\n" for step in steps)


class _Replaced:
    """A path whose file is replaced between the opening of it and the next look."""

    def __init__(self, path, text):
        self._path, self._text = path, text

    def open(self, mode):
        file = self._path.open(mode)
        renewed = self._path.with_name("renewed")
        renewed.write_text(self._text)
        renewed.replace(self._path)
        return file

    def stat(self):
        return self._path.stat()


def test_each_line_once_and_a_cut_one_when_it_is_whole(tmp_path):
    path = tmp_path / "metrics.jsonl"
    tail = Tail(path)
    assert tail.lines() == []
    path.write_text(_text(1, 2) + '{"step"')
    assert tail.lines() == [{"step": 1}, {"step": 2}]
    with path.open("a") as file:
        file.write(": 3}\n")
    assert tail.lines() == [{"step": 3}]


def test_a_file_that_takes_the_place_of_the_one_just_opened_is_read_whole(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text(_text(1, 2, 3))
    tail = Tail(_Replaced(path, _text(1, 2, 4)))
    assert tail.lines() == [{"step": step} for step in (1, 2, 3)]
    assert tail.lines() == [{"step": step} for step in (1, 2, 4)]
