"""Losers of a sweep: what is kept of them."""

import json

import pytest

from genlab.trials import pruned


@pytest.mark.parametrize(
    ("value", "kept"), [(0.5, 0.5), (None, None), (float("nan"), None)]
)
def test_record_of_a_loser_is_json_whatever_its_value(value, kept, tmp_path):
    assert not pruned.is_pruned(tmp_path)
    pruned.record(tmp_path, 4, "-share", value)
    assert pruned.is_pruned(tmp_path)
    text = (tmp_path / pruned.FILE).read_text()
    known = json.loads(text, parse_constant=pytest.fail)
    assert known == {"step": 4, "target": "-share", "value": kept}
