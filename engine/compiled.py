"""Functions that compiled code alone calls.

They stand in their callers' file: what is kept of a compilation is made anew when the outermost
function's file has changed, and when no other has.
"""

from collections.abc import Callable
from typing import Any

from numba import njit


def inner(fastmath: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Compile a function without a way in from Python, which takes as long again to compile.

    A machine's first capture waits for all of it.
    """
    options: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    return njit(cache=True, fastmath=fastmath, **options)
