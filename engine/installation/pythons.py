"""A Python for the engine: Blender's own where it fits, else the machine's, else one from uv."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath

from ..exchange.installation import PYTHONS, environment_python
from ..exchange.protocol import AVFaceError
from . import child

# A Python that can make environments says its version; any other fails.
_ASK = (
    "import ensurepip, sys, venv; assert sys.maxsize > 2**32;"
    " print('avface', '%d.%d' % sys.version_info[:2])"
)


def candidates(system: str, own: str, environ: Mapping[str, str]) -> Iterator[list[str]]:
    """Commands that may start a fitting Python, best first; `system` as in sys.platform."""
    if own:
        yield [own]
    for version in PYTHONS:
        if system == "win32":
            yield ["py", f"-{version}"]
            for root in ("LOCALAPPDATA", "ProgramFiles"):
                if root in environ:
                    base = PureWindowsPath(environ[root])
                    base = base / "Programs" / "Python" if root == "LOCALAPPDATA" else base
                    yield [str(base / f"Python{version.replace('.', '')}" / "python.exe")]
        else:
            yield [f"python{version}"]
    if system == "darwin":  # a program from the Dock has a short PATH
        for version in PYTHONS:
            framework = PurePosixPath("/Library/Frameworks/Python.framework/Versions") / version
            for folder in (framework / "bin", "/opt/homebrew/bin", "/usr/local/bin"):
                yield [str(PurePosixPath(folder) / f"python{version}")]
    yield ["python" if system == "win32" else "python3"]


def fits(command: list[str]) -> bool:
    """Whether a command starts a Python of PYTHONS that can make environments."""
    if shutil.which(command[0]) is None:
        return False
    _, lines = child.run([*command, "-c", _ASK])
    return any(line == f"avface {version}" for line in lines for version in PYTHONS)


def make_environment(
    folder: Path,
    tools: Path,
    online: bool,
    hear: Callable[[str], None],
    fitting: Callable[[list[str]], bool] = fits,
) -> Path:
    """A new, empty environment in `folder`; its interpreter.

    `tools` is a folder for what had to be fetched: uv, and a Python. Raises AVFaceError.
    """
    last: list[str] = []
    for command in candidates(sys.platform, sys.executable, os.environ):
        if fitting(command):
            leashed = [*command, *child.module(Path(), "venv", "--clear", str(folder))[1:]]
            code, last = child.run(leashed, hear)
            if code == 0:
                return environment_python(folder)
    if online:
        return _by_uv(folder, tools, hear)
    raise AVFaceError(
        f"No Python {' or '.join(PYTHONS)} was found on this machine"
        + (f" that works ({last[-1]})." if last else "."),
        "Install Python 3.11 from python.org, or allow Blender online access and try again.",
    )


def _by_uv(folder: Path, tools: Path, hear: Callable[[str], None]) -> Path:
    """An environment on a Python that uv fetches into `tools`."""
    uv = shutil.which("uv") or _fetch_uv(tools, hear)
    where = {"UV_PYTHON_INSTALL_DIR": str(tools / "python"), "UV_NO_PROGRESS": "1"}
    command = [uv, "venv", "--clear", "--seed", "--managed-python", "--python", PYTHONS[0]]
    code, last = child.run([*command, str(folder)], hear, where)
    if code != 0:
        raise AVFaceError(
            f"No fitting Python could be fetched ({_reason(last)}).",
            "Install Python 3.11 from python.org and try again.",
        )
    return environment_python(folder)


def _fetch_uv(tools: Path, hear: Callable[[str], None]) -> str:
    """The program uv, from PyPI, in an environment of the Python that runs this."""
    place = tools / "uv"
    code, last = child.run(child.module(Path(sys.executable), "venv", "--clear", str(place)), hear)
    if code == 0:
        python = environment_python(place)
        wanted = ("install", "--only-binary", ":all:", "--disable-pip-version-check", "uv")
        code, last = child.run(child.module(python, "pip", *wanted), hear)
    program = environment_python(place).with_name("uv.exe" if os.name == "nt" else "uv")
    if code != 0 or not program.is_file():
        raise AVFaceError(
            f"No Python {' or '.join(PYTHONS)} was found, and none could be fetched"
            f" ({_reason(last)}).",
            "Install Python 3.11 from python.org and try again.",
        )
    return str(program)


def _reason(last: list[str]) -> str:
    """The line that says what went wrong."""
    errors = [line for line in last if line.lower().startswith("error")]
    return (errors or last or ["it said nothing"])[-1]
