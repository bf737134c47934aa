"""A batch from its list to its report: what stands is skipped, the rest goes to workers."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from ..exchange.protocol import AVFaceError, CaptureJob, Item
from ..exchange.saving import make_folder
from ..version import product_version
from ..weights import registry
from .manifest import Wanted
from .work import Record, Work, content_key, serve, standing

Hear = Callable[[Item], None]


@dataclass(frozen=True)
class BatchOptions:
    """How a batch is done."""

    out: Path
    workers: int = 1
    head: Path | None = None
    sheets: bool = True
    previews: bool = False
    again: bool = False  # also what stands
    ray: str | None = None  # address of a Ray cluster; "local": one on this machine; None: no Ray
    engine: tuple[str, ...] = ()  # its command; empty: this Python's

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise AVFaceError(f"--workers can't be {self.workers}.", "Give 1 or more.")


def run_batch(wanted: list[Wanted], options: BatchOptions, hear: Hear) -> list[Record]:
    """Capture all clips; a record of each, in order. Bad clips are records too.

    Raises AVFaceError when none can be served: no folder to write to, no Ray.
    """
    make_folder(options.out / "jobs", "Choose another --out.")
    records: dict[str, Record] = {}
    open_works: list[Work] = []
    for item in wanted:
        work = _plan(item, options)
        if isinstance(work, Record):
            records[item.name] = work
            hear(work.item(""))
        elif (record := standing(work)) and not options.again:
            records[item.name] = record
            hear(Item(item.name, "skipped", 1, "It stands already.", str(work.take)))
        else:
            open_works.append(work)
            hear(Item(item.name, "waiting"))
    if open_works:
        for record in _serve_all(open_works, options, hear):
            records[record.name] = record
    return [records[item.name] for item in wanted if item.name in records]


def _plan(item: Wanted, options: BatchOptions) -> Work | Record:
    """The work that a clip asks for; a record of failure when its file is not there."""
    folder = options.out.resolve() / "jobs" / item.name
    job = asdict(
        CaptureJob(
            clip=str(item.clip.resolve()),
            out=str(options.out.resolve() / f"{item.name}.take.npz"),
            head=str(options.head.resolve()) if options.head else "",
            options=item.options,
            preview=options.previews,
            sheet=options.sheets,
        )
    )
    makers = {"version": product_version()}
    makers |= {name: row["sha256"] for name, row in registry().items()}
    try:
        key = content_key(item.clip, job, makers)
    except OSError as error:
        message = f"{item.clip} can't be read ({error.strerror})."
        record = Record(item.name, str(item.clip), "failed", "", message, "Check its path.")
        folder.mkdir(parents=True, exist_ok=True)
        record.write(folder)
        return record
    return Work(item.name, str(folder), job, key, options.engine)


def _serve_all(works: list[Work], options: BatchOptions, hear: Hear) -> Iterator[Record]:
    """The records of works as they end, by Ray or by processes of this machine."""
    if options.ray is not None:
        from .farm import serve_with_ray

        yield from serve_with_ray(works, options.ray, options.workers, hear)
    else:
        yield from _serve_here(works, options.workers, hear)


def _serve_here(works: list[Work], workers: int, hear: Hear) -> Iterator[Record]:
    """A thread for each worker, which waits for the engine's process that it started."""
    stop = threading.Event()

    def one(work: Work) -> Record:
        def progress(stage: str, fraction: float) -> None:
            hear(Item(work.name, "running", fraction, stage))

        if stop.is_set():
            return Record(work.name, work.job["clip"], "stopped", work.key)
        hear(Item(work.name, "running"))
        return serve(work, progress, stop.is_set)

    with _pool(max(1, workers), stop) as pool:
        running: set[Future[Record]] = {pool.submit(one, work) for work in works}
        takes = {work.name: str(work.take) for work in works}
        while running:
            ended, running = wait(running, return_when=FIRST_COMPLETED)
            for future in ended:
                record = future.result()
                hear(record.item(takes[record.name]))
                yield record


@contextmanager
def _pool(workers: int, stop: threading.Event) -> Iterator[ThreadPoolExecutor]:
    """A pool that ends its engines when the batch is interrupted."""
    pool = ThreadPoolExecutor(workers)
    try:
        yield pool
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)
