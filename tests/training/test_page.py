"""The page of a run that trains: how often it is written, and what stopping leaves behind."""

import time

import pytest

from genlab.errors import NonFiniteLoss, Stopped
from genlab.reporting import report
from genlab.training.page import SHARE, Page, kept


@pytest.fixture
def clock(monkeypatch):
    """A report that takes a second; gives when each was written."""
    written, now = [], [100.0]

    def write(workdir):
        written.append(now[0])
        now[0] += 1.0

    monkeypatch.setattr(report, "write_report", write)
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return written, now


def test_page_takes_a_small_share_of_the_time(clock, tmp_path):
    written, now = clock
    page = Page(tmp_path)
    for _ in range(1000):  # an evaluation every second
        page.refresh()
        now[0] += 1.0
    assert written[0] == 102.0, "soon there is something to show"
    assert len(written) <= SHARE * (now[0] - 100) + 1
    assert len(written) >= 0.8 * SHARE * (now[0] - 100)


@pytest.mark.parametrize("end", [Stopped("."), NonFiniteLoss(3, "vae/loss", 0.0)])
def test_run_that_ends_early_leaves_its_page(clock, tmp_path, end):
    written, _ = clock
    with pytest.raises(type(end)), kept(tmp_path) as page:
        page.begin()
        raise end
    assert len(written) == 1
    with pytest.raises(type(end)), kept(tmp_path):  # the folder of another
        raise end
    assert len(written) == 1


def test_page_that_cannot_be_written_costs_a_warning(tmp_path, caplog, monkeypatch):
    def fails(workdir):
        raise RecursionError("too deep")

    monkeypatch.setattr(report, "write_report", fails)
    page = Page(tmp_path)
    page.begin()
    page.end()
    assert caplog.messages == ["report.html cannot be written: too deep"]
