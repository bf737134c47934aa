"""Any engine command, in the engine's environment: `python3 scripts/avface.py capture CLIP ...`."""

from __future__ import annotations

import subprocess
import sys

from environments import ROOT, CannotSetUp, clean_environment, engine_python


def main(arguments: list[str]) -> int:
    """Run `python -m engine ARGUMENTS`; its exit code is ours."""
    try:
        python = engine_python()
    except CannotSetUp as error:
        print(error, file=sys.stderr)
        return 2
    environment = clean_environment() | {"PYTHONPATH": str(ROOT)}
    try:
        return subprocess.run(
            [str(python), "-m", "engine", *arguments], check=False, env=environment
        ).returncode
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
