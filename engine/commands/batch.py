"""The command `batch`: many clips, some at a time."""

import argparse
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..exchange.protocol import (
    CANNOT_SERVE,
    DONE,
    SOME_FAILED,
    VERSION,
    AVFaceError,
    Hello,
    Item,
    answer,
)
from ..options import CaptureOptions
from .flags import add_command, add_flags
from .wire import speak


def add_commands(commands: Any) -> None:
    """Its parser; heavy imports wait for the command."""
    batch = add_command(commands, "batch", "a folder of clips, or a list of them", _batch)
    batch.add_argument("source", type=Path, help="folder, or list (CSV or JSON, docs/batch.md)")
    batch.add_argument(
        "--out", type=Path, metavar="FOLDER", required=True, help="folder for the results"
    )
    batch.add_argument(
        "--workers", type=int, metavar="N", default=1, help="captures at a time; default 1"
    )
    batch.add_argument(
        "--head", type=Path, metavar="FILE", help="a head file; default the one that we ship"
    )
    batch.add_argument("--previews", action="store_true", help="also NAME.preview.mp4")
    batch.add_argument("--no-sheets", action="store_true", help="no NAME.sheet.png")
    batch.add_argument("--again", action="store_true", help="also what stands already")
    batch.add_argument("--part", metavar="K/N", help="only the K-th of N parts: for a farm's tasks")
    batch.add_argument("--only-report", action="store_true", help="write the report and end")
    batch.add_argument("--events", action="store_true", help="speak as `run` does, to a program")
    batch.add_argument(
        "--ray", nargs="?", const="local", metavar="ADDRESS",
        help="by a Ray cluster; without an address by Ray on this machine",
    )  # fmt: skip
    add_flags(batch, CaptureOptions, only_given=True)


def _batch(options: argparse.Namespace) -> int:
    """Serve the batch; 1 when some clips failed, 2 when all did."""
    if options.events:
        return _serve_program(options)
    states, report = _serve(options, _tell)
    print(f"{states.count('done')} of {len(states)} clips are captured; the report is {report}")
    return _exit_code(states)


def _serve_program(options: argparse.Namespace) -> int:
    """The same for the add-on: events on stdout, gone when stdin closes."""
    send, lock = speak(), threading.Lock()  # clips are heard of from several threads
    states: list[str] = []

    def hear(item: Item) -> None:
        with lock:
            send(item)

    def work() -> str:
        found, report = _serve(options, hear)
        states.extend(found)
        return str(report)

    send(Hello(VERSION, "cpu"))
    return answer(work, send) or _exit_code(states)


def _exit_code(states: list[str]) -> int:
    if "failed" not in states:
        return DONE
    return SOME_FAILED if "done" in states else CANNOT_SERVE


def _serve(options: argparse.Namespace, hear: Callable[[Item], None]) -> tuple[list[str], Path]:
    """Capture the clips and write the report: each clip's state, the page. Raises AVFaceError."""
    from dataclasses import fields

    from ..batch import BatchOptions, read_manifest, run_batch, write_summary

    start = time.perf_counter()
    given = {f.name: getattr(options, f.name) for f in fields(CaptureOptions) if f.name in options}
    wanted = read_manifest(options.source, given)
    mine = _part(wanted, options.part)
    if not options.only_report:
        run_batch(
            mine,
            BatchOptions(
                out=options.out,
                workers=options.workers,
                head=options.head,
                sheets=not options.no_sheets,
                previews=options.previews,
                again=options.again,
                ray=options.ray,
            ),
            hear,
        )
    content = write_summary(wanted, options.out, time.perf_counter() - start)
    names = {item.name for item in mine}
    states = [row["state"] for row in content["results"] if row["name"] in names]
    return states, options.out / "batch.report.html"


def _part(wanted: list, part: str | None) -> list:
    """Every N-th clip from the K-th on. Raises AVFaceError."""
    if part is None:
        return wanted
    try:
        k, n = map(int, part.split("/"))
        if not 1 <= k <= n:
            raise ValueError
    except ValueError:
        raise AVFaceError(f"--part {part} is no part.", "Say 2/5 for the second of five.") from None
    return wanted[k - 1 :: n]


def _tell(item: Item) -> None:
    """A line for each clip that ends, for a person or a log."""
    if item.state in {"done", "skipped", "failed"}:
        print(f"{item.name}: {item.state}. {item.message}".rstrip(), file=sys.stderr, flush=True)
