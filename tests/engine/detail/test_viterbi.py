import numpy as np

from engine.detail.viterbi import likeliest_line


def test_a_column_that_stands_alone_gives_way_to_its_neighbours():
    cost = np.array([[0.0, 1], [1, 0.6], [0, 1]])  # the middle one would rather have row 1
    step = np.array([[0.0, 1], [1, 0]])
    assert likeliest_line(cost, step).tolist() == [0, 0, 0]
    assert likeliest_line(cost, 0.1 * step).tolist() == [0, 1, 0]
