"""The page of a run from elsewhere: its names are shown, and none becomes markup or code."""

import base64
import hashlib
import json
import re

import numpy as np
from pages import Elements

from genlab.plots.grid import save_png
from genlab.reporting.report import write_report

ATTACKS = (
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "]]><svg onload=alert(1)>",
    "\"><img src=x onerror='alert(1)'>",
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "${status} $title $$",
    "<meta http-equiv=refresh content='0;url=http://example.org'>",
    "<base href=http://example.org>",
    "&lt;script&gt;",
    "\u2028\u2029\u202e\x1b[2J\x00\ud800",
)


def hostile(folder, attack):
    """A run folder with the attack in every place that takes a text."""
    (folder / "samples").mkdir(parents=True)
    name = attack.replace("/", "_").replace("\x00", "").replace("\ud800", "")
    picture = folder / "samples" / f"{name}-00000008.png"
    save_png(picture, np.zeros((8, 8, 3), np.uint8))
    parameter = {"shape": [attack], "dtype": attack, "count": 3}
    record = {
        "config": {
            **{key: attack for key in ("experiment", "init_from", "seed", attack)},
            "data": {"name": attack, attack: [attack]},
            "train": {"steps": 8},
        },
        "overrides": {attack: attack},
        "versions": {attack: attack},
        "git": attack,
        "devices": [attack],
        "command": attack,
        "parameters": {f"{attack}/{attack}": parameter},
    }
    (folder / "config.json").write_text(json.dumps(record))
    values = {attack: 1.0, f"{attack}/{attack}": 2.0}
    line = {"step": 8, "split": attack, "values": values}
    (folder / "metrics.jsonl").write_text(json.dumps(line) + "\n")
    metric = {"values": {attack: attack}, "protocol": {attack: [attack]}}
    results = {"step": 8, "metrics": {attack: metric}}
    (folder / "results.json").write_text(json.dumps(results))
    return folder


def test_no_name_of_a_run_becomes_markup(tmp_path):
    policies = set()
    for index, attack in enumerate(ATTACKS):
        folder = hostile(tmp_path / f"{index}", attack)
        page = write_report(folder).read_text(encoding="utf-8")
        elements = Elements(page)
        for tag, count in (
            ("script", 2),
            ("meta", 4),
            ("img", 1),
            ("b", 0),
        ):
            assert len(elements.all(tag)) == count, (attack, tag)
        charts = elements.all("svg")  # drawn by genlab itself
        assert {chart["class"] for chart in charts} == {"still"}, attack
        assert not any(map(elements.all, ("base", "link", "iframe", "object", "embed")))
        for tag, attributes in elements.tags:
            assert not any(key.startswith("on") for key in attributes), attack
            for key in ("src", "href", "action"):
                target = attributes.get(key) or "#"
                assert target.startswith(("#", "data:image/png;base64,")), attack
        assert not re.search("[\x00-\x08\x0b-\x1f\ud800-\udfff]", page), attack
        data = re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1]
        assert "<" not in data and json.loads(data)
        policies.add(elements.all("meta")[1]["content"])
    (policy,) = policies  # and the same policy
    assert policy.startswith("default-src 'none'; img-src data:;")
    script = page.rpartition("<script>")[2].partition("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert "unsafe-eval" not in policy and "http" not in policy
