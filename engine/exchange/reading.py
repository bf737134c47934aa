"""Files of arrays that somebody named: read without running code, or one sentence why not."""

import zipfile
from pathlib import Path

import numpy as np

from .protocol import AVFaceError


def load_arrays(path: Path, kind: str, hint: str) -> dict[str, np.ndarray]:
    """The arrays of an `.npz` that should be `kind` ("a take"); `hint`: what to do if it isn't.

    Raises AVFaceError.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except FileNotFoundError as error:
        what = kind.partition(" ")[2]
        raise AVFaceError(f"There is no {what} at {path}.", "Check the path.") from error
    except PermissionError as error:
        raise AVFaceError(
            f"{path} can't be read ({error.strerror}).", "Ask its owner for it."
        ) from error
    except (OSError, ValueError, EOFError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise AVFaceError(f"{path} is not {kind}.", hint) from error
