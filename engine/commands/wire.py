"""The engine's end of the wire: events on standard output, and gone with whoever started it."""

import os
import threading
from collections.abc import Callable

from ..exchange.protocol import Event, claim_stdout


def speak() -> Callable[[Event], None]:
    """What is given to the function that comes back is said; end when standard input closes."""
    send = claim_stdout()
    threading.Thread(target=_leash, daemon=True).start()
    return send


def _leash() -> None:
    """End with whoever started us: their end of our stdin closes when they cancel or die.

    Below `sys.stdin`: a thread that waits inside it holds its lock, and a normal exit aborts.
    """
    while os.read(0, 1024):
        continue
    os._exit(130)
