"""The printed totals, and each failure with the command that repeats it."""

import time
from collections import Counter
from collections.abc import Iterable

from benchmarks.faults.case import Bench, Verdict

SHOWN = 4  # problems of a case


class Totals:
    """Counts verdicts, and prints each kind of failure once, as soon as it is met."""

    def __init__(self, bench: Bench):
        self._bench = bench
        self._rows: list[str] = []
        self._alike: Counter[str] = Counter()
        self.failed = False

    def take(self, kind: str, promise: str, verdicts: Iterable[Verdict]) -> None:
        """Judges one kind of fault, which makes one row of the table."""
        begin, kept, total = time.monotonic(), 0, 0
        self._alike.clear()
        for verdict in verdicts:
            total += verdict.count
            kept += 0 if verdict.problems else verdict.count
            if verdict.problems:
                self._tell(verdict)
            elif not verdict.count:
                print(f"\n{verdict.case} {verdict.note}", flush=True)
        self.failed |= kept < total
        seconds = time.monotonic() - begin
        self._rows.append(
            f"{kind:12} {kept:>6,} of {total:>6,} {promise} ({seconds:.0f} s)"
        )
        for first, count in self._alike.most_common():
            if count > 1:
                self._rows.append(f"{'':15}{count:>4,} failed like {first}")

    def _tell(self, verdict: Verdict) -> None:
        """Prints what is wrong and how to see it again, unless another failed alike."""
        alike = verdict.problems[0].partition(": ")[0]
        self._alike[alike] += 1
        if self._alike[alike] > 1:
            return
        print(f"\n{verdict.case} failed{f' ({verdict.note})' * bool(verdict.note)}:")
        for problem in verdict.problems[:SHOWN]:
            print(f"  {problem}")
        if (more := len(verdict.problems) - SHOWN) > 0:
            print(f"  and {more} more")
        print(f"  {self._bench.repeat(verdict.case)}", flush=True)

    def show(self) -> None:
        """Prints the table."""
        print(f"\nseed {self._bench.seed}\n")
        print(*self._rows, sep="\n")
