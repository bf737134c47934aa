"""The same work on a Ray cluster, or on Ray's workers on this machine.

Every machine needs the engine's environment, this copy of AVFace and the clips at the same paths.
"""

import os
from collections.abc import Callable, Iterator

from ..exchange.protocol import AVFaceError, Item
from .work import ROOT, Record, Work, serve

RETRIES = 3  # where a worker, or its machine, has died
_LOCAL_STORE_BYTES = 200 * 2**20  # results are a few hundred bytes; the rest goes by files


def serve_with_ray(
    works: list[Work], address: str, workers: int, hear: Callable[[Item], None]
) -> Iterator[Record]:
    """The records of works as they end. A work whose worker dies is begun again elsewhere.

    `address` is a cluster's, or "local" for `workers` of this machine. Raises AVFaceError.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray  # pyright: ignore[reportMissingImports]  (left to the user)
    except ImportError as error:
        raise AVFaceError(
            "Ray is not installed in the engine's environment.",
            "Install it there (`python -m pip install ray`), or leave out --ray.",
        ) from error
    _connect(ray, address, workers)
    try:
        gpus = 1 if ray.cluster_resources().get("GPU", 0) else 0
        task = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=RETRIES)(serve)
        pending = {task.remote(work): work for work in works}
        for work in works:
            hear(Item(work.name, "running"))
        while pending:
            ended, _ = ray.wait(list(pending), num_returns=1)
            for reference in ended:
                work = pending.pop(reference)
                record = _result(ray, reference, work)
                hear(record.item(str(work.take)))
                yield record
    finally:
        ray.shutdown()


def _connect(ray, address: str, workers: int) -> None:
    """Join a cluster or start one; its Pythons find the engine where it is here."""
    environment = {"env_vars": {"PYTHONPATH": str(ROOT)}}
    try:
        if address == "local":
            ray.init(
                num_cpus=max(1, workers), include_dashboard=False, log_to_driver=False,
                _node_ip_address="127.0.0.1", object_store_memory=_LOCAL_STORE_BYTES,
                runtime_env=environment,
            )  # fmt: skip
        else:
            ray.init(address=address, log_to_driver=False, runtime_env=environment)
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        raise AVFaceError(
            f"Ray can't be reached at {address} ({error}).", "Check the address of its head node."
        ) from error


def _result(ray, reference, work: Work) -> Record:
    """What a worker gave back; a record of failure when every one of them has died."""
    try:
        return ray.get(reference)
    except ray.exceptions.RayError as error:
        return Record(
            work.name, work.job["clip"], "failed", work.key,
            f"Ray's workers died on it {RETRIES + 1} times.", str(error).splitlines()[0],
        )  # fmt: skip
