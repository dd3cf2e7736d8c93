"""The worked example of WORKSPACE.md, trained as it stands there."""

import json
import re
from pathlib import Path

from genlab.commands.cli import main

ROOT = Path(__file__).parent.parent


def test_worked_example_trains(tmp_path, monkeypatch):
    text = (ROOT / "WORKSPACE.md").read_text()
    blocks = re.findall(r"```python\n# (\w+\.py)\n(.*?)```", text, re.DOTALL)
    assert [name for name, _ in blocks] == ["my_parts.py", "my_config.py"]
    for name, code in blocks:
        (tmp_path / name).write_text(code)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    command = [
        "launch.py",
        "--config=my_config.py",
        "--workdir=run",
        "--config.devices=1",
    ]
    assert main(command) == 0
    lines = [json.loads(x) for x in Path("run/metrics.jsonl").read_text().splitlines()]
    losses = [x["values"]["denoiser/loss"] for x in lines if x["split"] == "train"]
    assert losses[-1] < 0.5 * losses[0]
    assert Path("run/samples/reconstructions-00000400.png").exists()
