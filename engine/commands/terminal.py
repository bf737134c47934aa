"""Progress and warnings for a person at a terminal, or lines in a log."""

import sys

from ..progress import Report


class Terminal:
    """Says on the standard error how far a job is: on one line at a terminal, else in tenths."""

    def __init__(self) -> None:
        self._last = ("", -1)
        self._live = sys.stderr.isatty()

    def report(self) -> Report:
        """What a job reports to."""
        return Report(listener=self._show, on_warning=self._warn)

    def _show(self, stage: str, fraction: float) -> None:
        now = (stage, int(fraction * (100 if self._live else 10)))
        if now == self._last:
            return
        self._last = now
        line = f"{stage:12} {fraction:4.0%}"
        if self._live:
            print(f"\r{line}", end="\n" if stage == "done" else "", file=sys.stderr, flush=True)
        else:
            print(line, file=sys.stderr, flush=True)

    def _warn(self, sentence: str) -> None:
        start = "\r" if self._live else ""
        print(f"{start}Note: {sentence}", file=sys.stderr, flush=True)
