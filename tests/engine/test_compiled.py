"""Compiled functions are compiled anew when what they were put together from has changed."""

import sys
from importlib import import_module, invalidate_caches

import numba

from engine.compiled import kernels

OUTER = """
from engine.compiled import kernels
from made_up import inside
from made_up.inside import ADDED, added

kernel, inlined = kernels(inside)

@kernel
def total(x):
    return added(x) + ADDED
"""
INSIDE = """
import numba

ADDED = {constant}

@numba.njit(inline="always")
def added(x):
    return x + {number}
"""


def test_a_kernel_follows_the_modules_it_names(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    package = tmp_path / "made_up"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "outer.py").write_text(OUTER)

    def run(constant: int, number: int) -> tuple[int, int]:
        (package / "inside.py").write_text(INSIDE.format(constant=constant, number=number))
        for name in [name for name in sys.modules if name.startswith("made_up")]:
            del sys.modules[name]
        (package / "__pycache__" / f"inside.{sys.implementation.cache_tag}.pyc").unlink(True)
        invalidate_caches()
        total = import_module("made_up.outer").total
        return total(1), sum(total.stats.cache_hits.values())

    assert run(10, 100) == (111, 0)
    assert run(10, 100) == (111, 1)
    assert run(20, 100) == (121, 0)
    assert run(20, 200) == (221, 0)


def test_where_nothing_is_compiled_a_kernel_is_the_function_itself(monkeypatch):
    def double(x: int) -> int:
        return 2 * x

    monkeypatch.setattr("numba.config.DISABLE_JIT", 1)
    kernel, inlined = kernels(numba)
    assert kernel(double) is double and inlined(double) is double
