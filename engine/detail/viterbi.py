"""The likeliest line over columns whose neighbours agree (Viterbi 1967)."""

import numpy as np


def likeliest_line(cost: np.ndarray, bend: np.ndarray) -> np.ndarray:
    """The row (C,) in each of C columns on the line that costs least in all.

    Args:
        cost: (C, R) of each row.
        bend: (R, R) of going from one row to another between neighbouring columns.
    """
    total, came = cost[0], []
    for column in cost[1:]:
        ways = total[None] + bend
        came.append(np.argmin(ways, axis=1))
        total = column + ways.min(1)
    path = [int(np.argmin(total))]
    for back in reversed(came):
        path.append(int(back[path[-1]]))
    return np.array(path[::-1])
