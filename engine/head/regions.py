"""Which region of the face a named unit of the default head belongs to."""

import numpy as np

_STARTS = {
    "brow": "brows", "eyeBlinkLeft": "left_eye", "eyeSquintLeft": "left_eye",
    "eyeWideLeft": "left_eye", "eyeBlinkRight": "right_eye", "eyeSquintRight": "right_eye",
    "eyeWideRight": "right_eye",
}  # fmt: skip


def unit_regions(names: tuple[str, ...]) -> np.ndarray:
    """The region of each unit, (E,): brows, an eye, or mouth with nose and cheeks."""
    return np.array(
        [next((r for start, r in _STARTS.items() if name.startswith(start)), "mouth")
         for name in names]
    )  # fmt: skip
