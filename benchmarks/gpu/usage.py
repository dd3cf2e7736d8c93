"""How much of the time a GPU computes, as NVML sees it."""

import contextlib
import threading
from collections.abc import Iterator

SETTLED = 0.2  # seconds until NVML's window holds nothing from before
PERIOD = 0.02


class Usage:
    """Samples the first GPU's utilisation while something is watched."""

    def __init__(self):
        self._samples: list[int] = []

    @property
    def idle(self) -> float | None:
        """Share of the watched time in which no kernel ran; None without NVML."""
        if not self._samples:
            return None
        return 1 - sum(self._samples) / len(self._samples) / 100

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Inside, the device is sampled."""
        device = _first_gpu()
        over = threading.Event()
        thread = threading.Thread(target=self._watch, args=(device, over))
        if device is not None:
            thread.start()
        try:
            yield
        finally:
            over.set()
            if device is not None:
                thread.join()

    def _watch(self, device, over: threading.Event) -> None:
        import pynvml

        if over.wait(SETTLED):
            return
        while not over.wait(PERIOD):
            self._samples.append(pynvml.nvmlDeviceGetUtilizationRates(device).gpu)


def _first_gpu():
    """NVML's handle; None where there is no module or no GPU."""
    try:
        import pynvml

        pynvml.nvmlInit()
        return pynvml.nvmlDeviceGetHandleByIndex(0)
    except Exception:  # noqa: BLE001 - of a module that is not a dependency
        return None
