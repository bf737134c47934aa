"""Captures and exports without a window, inside Blender (4.2 or later):

    blender -b --python-exit-code 3 --python scripts/blender_batch.py -- CLIP... --out DIR

or where Blender is a Python module (`pip install bpy`):

    python scripts/blender_batch.py CLIP... --out DIR --export fbx abc blend

CLIP is a video, a folder of pictures, or a NAME.take.npz. `-- --help` lists the options.
"""

import importlib
import sys
import types
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "bl_ext.batch.avface"  # as Blender would name it in an extension repository `batch`


def load_batch() -> types.ModuleType:
    """The add-on's batch module, from this repository, without installing the extension."""
    import bpy  # noqa: F401  (first: it makes the package `bl_ext`)

    for name in ("bl_ext", "bl_ext.batch", PACKAGE):
        if name not in sys.modules:
            sys.modules[name] = types.ModuleType(name)
            sys.modules[name].__path__ = [str(ROOT)] if name == PACKAGE else []
    return importlib.import_module(f"{PACKAGE}.avface_blender.batch")


def main() -> int:
    """Serve what stands after `--`, or the whole command line where there is none."""
    arguments = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else sys.argv[1:]
    try:
        return load_batch().main(arguments)
    except KeyboardInterrupt:
        return 130  # as shells have it


if __name__ == "__main__":
    sys.exit(main())
