"""What each stage of a capture takes: time, processor time, memory."""

import os
import time


class Clock:
    """Seconds, processor seconds and peak memory of each stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.cpu_seconds: dict[str, float] = {}  # of all cores together
        self.peak_megabytes: dict[str, float] = {}  # of the process, at each stage's end
        self._start = time.perf_counter(), time.process_time()

    def lap(self, stage: str) -> None:
        """What was done since the last lap was `stage`."""
        now = time.perf_counter(), time.process_time()
        self.seconds[stage], self.cpu_seconds[stage] = (
            end - begin for begin, end in zip(self._start, now, strict=True)
        )
        self.peak_megabytes[stage] = peak_megabytes()
        self._start = now


def peak_megabytes() -> float:
    """The most memory that this process has held so far."""
    if os.name == "nt":
        import psutil

        return psutil.Process().memory_info().peak_wset / 2**20
    import resource
    import sys

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
