"""The command line: `python -m engine COMMAND ...`."""

import argparse
import atexit
import os
import shutil
import sys
import tempfile
import traceback
from pathlib import Path

from .commands import batch, capture, evaluate, faces, heads, sound, takes, train
from .commands.flags import hyphenated
from .exchange.protocol import CANNOT_SERVE, OUR_FAULT, AVFaceError

_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "OPENCV_FOR_THREADS_NUM",
    "NUMBA_NUM_THREADS",
)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; an exit code of `exchange.protocol`."""
    _prepare_process()
    options = _parser().parse_args(hyphenated(sys.argv[1:] if arguments is None else arguments))
    try:
        return options.run(options)
    except AVFaceError as error:
        print(error, file=sys.stderr)
        return CANNOT_SERVE
    except Exception:
        traceback.print_exc()
        return OUR_FAULT


def _prepare_process() -> None:
    """One thread for each library's own pool: the work is split by stage, not by matrix."""
    for name in _THREAD_VARIABLES:
        os.environ.setdefault(name, "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("GLOG_minloglevel", "3")
    _find_room_for_what_is_compiled()


def _find_room_for_what_is_compiled() -> None:
    """A folder of this process's own where a user can write neither here nor at home.

    Without one numba refuses; with it, each command of a service account compiles anew.
    """
    homes = Path(__file__).parent, Path(os.path.expanduser("~"))
    if "NUMBA_CACHE_DIR" in os.environ or any(os.access(home, os.W_OK) for home in homes):
        return
    folder = os.environ["NUMBA_CACHE_DIR"] = tempfile.mkdtemp(prefix="avface-compiled-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="avface", description="Facial capture from video")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in (capture, takes, heads, batch, faces, sound, evaluate, train):
        module.add_commands(commands)
    return parser
