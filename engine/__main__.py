"""`python -m engine ...`."""

import sys

from .commands.interrupts import heard, heed


def _run() -> int:
    heed()
    try:
        from .cli import main

        return main()
    except KeyboardInterrupt:
        return heard()


if __name__ == "__main__":
    sys.exit(_run())
