"""Moments of the viseme sheet are chosen by the sound alone."""

import pytest

from engine.evaluation.alignment import VISEMES, Phone, agreed_phones
from engine.evaluation.viseme_sheet import _chosen, _moments, write_viseme_sheet
from engine.exchange.protocol import AVFaceError
from engine.progress import Report


def test_no_phone_is_in_two_visemes():
    phones = [phone for names in VISEMES.values() for phone in names]
    assert len(VISEMES) == 10 and len(phones) == len(set(phones))


def test_clips_take_turns_and_long_sounds_come_first(small_take):
    _, take = small_take
    heard = [
        _moments(take, 0, [Phone("M", 0.0, 0.1), Phone("P", 0.2, 0.4), Phone("IY", 0.1, 0.2)]),
        _moments(take, 1, [Phone("B", 0.1, 0.2)]),
    ]
    chosen = _chosen(heard, VISEMES["p b m"])
    assert [(m.take, m.phone) for m in chosen] == [(0, "P"), (1, "B"), (0, "M")]
    assert chosen[0].frame == round(0.3 * 25) or abs(take.times[chosen[0].frame] - 0.3) < 0.021


def test_moments_beyond_the_take_or_unseen_are_left_out(small_take):
    _, take = small_take
    take.found[2:4] = False
    phones = [Phone("M", 0.08, 0.12), Phone("M", 0.2, 0.22), Phone("M", 3.0, 3.2)]
    assert _moments(take, 0, phones) == []


def test_unknown_words_count_where_both_ways_of_hearing_agree():
    alone = [Phone("SH", 0.0, 0.2), Phone("T", 0.2, 0.3), Phone("M", 0.3, 0.4)]
    in_words = [Phone("CH", 0.05, 0.2), Phone("P", 0.2, 0.3)]
    assert agreed_phones(alone, in_words) == alone[:1]


def test_a_folder_without_speech_is_refused_in_words(tmp_path):
    with pytest.raises(AVFaceError, match="holds no take with speech"):
        write_viseme_sheet(tmp_path, tmp_path / "sheet.png", Report())
    assert not (tmp_path / "sheet.png").exists()
