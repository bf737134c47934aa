"""Functions that compiled code alone calls, and how numba is told what it has to watch.

What is kept of a compilation is made anew when the outermost function's file has changed, and when
no other has: so inner functions stand in their callers' file, or the callers name theirs.
"""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

from numba import njit

_Decorator = Callable[[Callable[..., Any]], Any]


def inner(fastmath: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Compile a function without a way in from Python, which takes as long again to compile.

    A machine's first capture waits for all of it.
    """
    options: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    return njit(cache=True, fastmath=fastmath, **options)


def kernels(*others: ModuleType) -> tuple[_Decorator, _Decorator]:
    """Decorators of a file whose kernels take functions or constants from `others`, too.

    Returns:
        Of kernels, and of those that are put into their callers.
    """
    digests = tuple(sha256(Path(str(other.__file__)).read_bytes()).digest() for other in others)

    def decorator(**options: Any) -> _Decorator:
        compile_ = njit(cache=True, fastmath=True, nogil=True, **options)

        def watched(function: Callable[..., Any]) -> Any:
            kernel: Any = compile_(function)
            if kernel is not function:  # as it is under NUMBA_DISABLE_JIT, where nothing is kept
                kept = kernel._cache._cache_file  # numba has no public way
                kept._source_stamp = (kept._source_stamp, *digests)
            return kernel

        return watched

    return decorator(), decorator(inline="always")
