"""Ctrl+C ends a command every time.

Python says Ctrl+C by an exception, in whatever it is doing. Libraries that are being loaded, and
callbacks, swallow it now and then (one in ten was lost so): it is raised again until it is heard.
"""

import signal
import sys
import threading
from _thread import interrupt_main

INTERRUPTED = 130  # as shells have it
_AGAIN_SECONDS = 0.2


def heed() -> None:
    """From now on; a process that is to ignore Ctrl+C, as one in a shell's background, does."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)


def heard() -> int:
    """Raise it no more: the command has ended; its exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return INTERRUPTED


def _interrupt(*_signal_and_frame: object) -> None:
    """Raise KeyboardInterrupt, unless one is under way: what clears up after it isn't disturbed."""
    again = threading.Timer(_AGAIN_SECONDS, interrupt_main)
    again.daemon = True
    again.start()
    handled = sys.exc_info()[1]
    while handled is not None:
        if isinstance(handled, KeyboardInterrupt):
            return
        handled = handled.__context__
    raise KeyboardInterrupt
