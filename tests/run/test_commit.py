"""Which commit a run records: genlab's own, and the user's apart."""

import subprocess
from pathlib import Path

import pytest

from genlab.reporting.run_page import _commit
from genlab.run import commit

OWN = Path(commit.__file__).parent


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A user's repository with one commit; nothing remembered of others."""
    for key, value in {"GIT_DIR": "/nowhere", "HOME": str(tmp_path)}.items():
        monkeypatch.setenv(key, value)
    _forget()
    root = tmp_path / "user"
    root.mkdir()
    (root / "config.py").write_text("")
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "one")
    yield root
    _forget()


def _forget():
    commit.of_genlab.cache_clear()
    commit._around.cache_clear()


def git(root, *arguments) -> str:
    command = ["env", "-u", "GIT_DIR", "git", "-C", str(root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_repository_around_a_config_is_recorded_with_its_changes(repository, tmp_path):
    head = git(repository, "rev-parse", "HEAD").strip()
    found = {"root": str(repository), "commit": head, "dirty": False}
    (repository / "inside").mkdir()
    assert commit.around(repository / "inside") == found
    (repository / "config.py").write_text("changed")
    assert commit.around(repository / "inside") == found, "asked for once"
    _forget()
    assert commit.around(repository / "inside") == {**found, "dirty": True}
    assert commit.around(tmp_path) is None
    assert commit.around(tmp_path / "gone") is None


def test_genlab_installed_inside_a_users_repository_is_no_part_of_it(
    repository, monkeypatch
):
    """As in an environment that the repository ignores."""
    package = repository / ".venv" / "genlab"
    package.mkdir(parents=True)
    monkeypatch.setattr(commit, "_PACKAGE", package)
    (package / "commit.py").write_text("")
    (repository / ".gitignore").write_text(".venv\n")
    assert commit.of_genlab() is None
    assert commit.around(repository)["root"] == str(repository)


def test_repository_of_a_stranger_runs_no_monitor(repository, tmp_path):
    ran = tmp_path / "ran"
    git(repository, "config", "core.fsmonitor", f"touch {ran}; false")
    assert commit.around(repository)["dirty"] is False
    assert not ran.exists()


def test_page_tells_commits_of_all_ages():
    assert _commit("abc") == "abc"
    assert _commit({"commit": "abc", "dirty": True}) == "abc with changes"
    assert _commit({"commit": "abc", "dirty": False}) == "abc"
    assert _commit(None) == _commit(7) == ""


def test_own_commit_is_none_or_of_the_checkout():
    found = commit.of_genlab()
    assert found is None or set(found) == {"commit", "dirty"}
    assert commit.around(OWN) is None or found is None
