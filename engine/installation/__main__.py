"""`python -m engine.installation PLAN`: events on standard output, as the engine's own jobs."""

import sys
import traceback
from pathlib import Path

from ..exchange.installation import ENGINE_FOLDER, InstallPlan, environment_python, read_plan
from ..exchange.protocol import (
    CANNOT_SERVE,
    DONE,
    OUR_FAULT,
    VERSION,
    AVFaceError,
    Done,
    Failed,
    Hello,
    Note,
    claim_stdout,
)
from .child import hold_leash
from .recipe import Send, install, remove, verify


def main(path: Path) -> int:
    """Serve one plan; an exit code of `exchange.protocol`."""
    send = claim_stdout()
    hold_leash()
    send(Hello(VERSION, "cpu"))
    try:
        result = _serve(read_plan(path), send)
    except AVFaceError as error:
        send(Failed(error.message, error.hint))
        return CANNOT_SERVE
    except Exception as error:
        traceback.print_exc()  # to the log
        send(Failed(f"The installation failed ({type(error).__name__}: {error}).", "See the log."))
        return OUR_FAULT
    send(Done(result))
    return DONE


def _serve(plan: InstallPlan, send: Send) -> str:
    home = Path(plan.folder)
    if plan.action == "remove":
        remove(plan, send)
        return ""
    if plan.action == "install":
        return str(install(plan, send))
    chosen = Path(plan.python) if plan.python else environment_python(home / ENGINE_FOLDER)
    home.mkdir(parents=True, exist_ok=True)
    found = verify(chosen, home, send)
    send(Note(f"Python {found.python}, torch {found.torch}, {found.device}, {found.megabytes} MB."))
    return str(chosen)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
