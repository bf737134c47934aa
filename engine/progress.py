"""How a stage says how far it is and what the user should know."""

from collections.abc import Callable
from dataclasses import dataclass, field


def _ignore_progress(stage: str, fraction: float) -> None:
    """Nobody is listening."""


@dataclass
class Report:
    """Progress of one job, and the sentences that go into its take and report.

    `part` gives a stage its share of the whole; a stage calls `report(0.4)` with its own fraction.
    """

    listener: Callable[[str, float], None] = _ignore_progress
    stage: str = ""
    start: float = 0.0
    share: float = 1.0
    warnings: list[str] = field(default_factory=list)
    on_warning: Callable[[str], None] | None = None

    def part(self, stage: str, start: float, share: float) -> "Report":
        """The report that the stage `stage` gets: `share` of this one, from `start` on."""
        begin = self.start + self.share * start
        return Report(
            self.listener, stage, begin, self.share * share, self.warnings, self.on_warning
        )

    def __call__(self, fraction: float) -> None:
        """Say that this stage is done to `fraction`, 0 to 1."""
        self.listener(self.stage, self.start + self.share * min(max(fraction, 0.0), 1.0))

    def warn(self, sentence: str) -> None:
        """Keep one sentence that the user should read; each is said once."""
        if sentence not in self.warnings:
            self.warnings.append(sentence)
            if self.on_warning:
                self.on_warning(sentence)
