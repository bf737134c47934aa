"""`python -m engine.installation PLAN`: events on standard output, as the engine's own jobs."""

import sys
from pathlib import Path

from ..exchange.installation import ENGINE_FOLDER, InstallPlan, environment_python, read_plan
from ..exchange.protocol import VERSION, Hello, Note, answer, claim_stdout
from .child import hold_leash
from .recipe import install, remove
from .verification import Send, verify


def main(path: Path) -> int:
    """Serve one plan; an exit code of `exchange.protocol`."""
    send = claim_stdout()
    hold_leash()
    send(Hello(VERSION, "cpu"))
    return answer(lambda: _serve(read_plan(path), send), send)


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
    send(Note(f"Python {found.python}, torch {found.torch}, {found.device}."))
    return str(chosen)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
