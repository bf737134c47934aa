"""What `inspect` and the report say of a take: faces where a film was seen, none of a sound."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from engine import cli
from engine.clock import Clock
from engine.commands.report import write_report


@pytest.mark.parametrize("kind, sure", [("video", "face 1.00"), ("sound", "none: nobody is seen")])
def test_a_voice_alone_makes_nobody_surely_seen(small_take, tmp_path, capsys, kind, sure):
    _, take = small_take
    take = replace(take, source=take.source | {"kind": kind}, sync_offset=0.2, sync_confidence=0.9)
    take.save(tmp_path / "a.take.npz")
    assert cli.main(["inspect", str(tmp_path / "a.take.npz")]) == 0
    shown = capsys.readouterr().out
    assert sure in shown and "200 ms late, confidence 0.90" in shown
    done = SimpleNamespace(take=take, clock=Clock())
    write_report(done, tmp_path / "a.report.json")
    told = (tmp_path / "a.report.json").read_text()
    assert ('"frames_with_face": 0' in told) == ("nobody" in sure) == ('"face"' not in told)
