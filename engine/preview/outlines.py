"""Outlines without steps: where one surface ends before another."""

import numba


@numba.njit(cache=True, fastmath=True, nogil=True)
def soften(picture, outline):
    """Mix the pixels (H, W, 3) uint8 at an outline (H, W) with those beside them, in place."""
    before = picture.copy()
    for y in range(1, len(outline) - 1):
        for x in range(1, outline.shape[1] - 1):
            if not outline[y - 1 : y + 2, x - 1 : x + 2].any():
                continue
            for k in range(3):
                total = 8
                for down in range(-1, 2):
                    for right in range(-1, 2):
                        weight = (2 - abs(down)) * (2 - abs(right))
                        total += weight * int(before[y + down, x + right, k])
                picture[y, x, k] = total // 16
