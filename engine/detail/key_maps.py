"""Maps of many keys in a file, so that memory doesn't grow with the clip."""

import os
import tempfile

import numpy as np

from ..exchange.protocol import AVFaceError


class KeyMaps:
    """K maps (R, R) in a file that goes away with it: memory doesn't grow with the clip."""

    def __init__(self, size: int) -> None:
        self._shape = (size, size)
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 (it lives as long as this object)
        self._count = 0

    def append(self, values: np.ndarray) -> None:
        """Add one map; kept as float16 (of mm, steps under 1 micrometre)."""
        assert values.shape == self._shape, (values.shape, self._shape)
        try:
            self._file.seek(0, os.SEEK_END)
            self._file.write(values.astype(np.float16).tobytes())
        except OSError as error:
            raise AVFaceError(
                f"The skin's detail can't be stored ({error.strerror}).", "Free some disk space."
            ) from error
        self._count += 1

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, key: int) -> np.ndarray:
        """(R, R) float32."""
        if not 0 <= key < self._count:
            raise IndexError(key)
        length = 2 * self._shape[0] * self._shape[1]
        self._file.seek(key * length)
        data = np.frombuffer(self._file.read(length), np.float16)
        return data.reshape(self._shape).astype(np.float32)
