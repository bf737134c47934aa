"""Any engine command, in the engine's environment: `python3 scripts/avface.py capture CLIP ...`."""

from __future__ import annotations

import sys

from environments import CannotSetUp, engine_python, exit_with, run_here


def main(arguments: list[str]) -> int:
    """Run `python -m engine ARGUMENTS`; its exit code is ours."""
    try:
        python = engine_python()
    except CannotSetUp as error:
        print(error, file=sys.stderr)
        return 2
    return run_here([str(python), "-m", "engine", *arguments])


if __name__ == "__main__":
    exit_with(main)
