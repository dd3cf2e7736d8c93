"""Run folders as they are listed and compared in a terminal."""

import json

from genlab.reporting import comparison


def write_run(folder, value=1.0, **config):
    """A run that has finished its 8 rounds."""
    folder.mkdir(parents=True)
    config = {"experiment": {"name": "vae"}, "train": {"steps": 8}, **config}
    (folder / "config.json").write_text(json.dumps({"config": config}))
    found = {"values": {"kl": value}, "protocol": {"batch_size": value}}
    results = {"step": 8, "metrics": {"held_out": found}}
    (folder / "results.json").write_text(json.dumps(results))
    return folder


def test_run_may_be_called_like_a_column(tmp_path):
    names = ["runs", "config", "results", "measured unlike"]
    folders = [write_run(tmp_path / n, float(i), seed=i) for i, n in enumerate(names)]
    tables = comparison.render(folders, comparison.compared(folders)).split("\n\n")
    first = {table.split()[0]: table.splitlines() for table in tables}
    assert list(first) == ["runs", "config", "results"]
    for lines in first.values():
        assert [name for name in names if name in lines[0]] == names
    (_, seed) = first["config"]
    assert seed.split() == ["seed", "0", "1", "2", "3"]
    assert first["results"][1].split() == ["kl", "0", "1", "2", "3", "batch_size"]
