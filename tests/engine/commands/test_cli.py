"""The engine as a process: exit codes, sentences, events, and nothing half-written."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from engine import cli
from engine.commands.flags import hyphenated
from engine.exchange import protocol
from engine.exchange.protocol import CaptureJob, Done, Failed, Hello, Note, Progress, write_job
from engine.exchange.take import Take

ROOT = Path(__file__).parents[3]
DEMO = ROOT / "weights" / "demo" / "demo.mp4"


def engine(*arguments, **keywords):
    return subprocess.run(
        [sys.executable, "-m", "engine", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        **keywords,
    )


def refused(result, *words):
    """Exit code 2 and one sentence with the words, no trace."""
    assert result.returncode == protocol.CANNOT_SERVE, result.stderr
    assert "Traceback" not in result.stderr
    for word in words:
        assert word in result.stderr


def test_the_command_line_starts_without_heavy_libraries():
    code = "import sys, engine.cli as c; c._parser(); print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"torch", "cv2", "numba", "mediapipe", "av", "scipy"} & set(loaded)


def test_flags_are_understood_with_underscores_too():
    words = ["capture", "my_clip.mp4", "--fix_sync", "--lip_reader=my_net.pt"]
    found = cli._parser().parse_args(hyphenated(words))
    assert found.fix_sync and found.lip_reader == "my_net.pt" and found.clip.name == "my_clip.mp4"


def test_who_can_keep_nothing_that_is_compiled_gets_a_folder(monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", "")  # so that it is put back
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    cli._find_room_for_what_is_compiled()
    assert "NUMBA_CACHE_DIR" not in os.environ  # here it can be kept
    monkeypatch.setattr(os, "access", lambda *_: False)
    cli._find_room_for_what_is_compiled()
    assert Path(os.environ["NUMBA_CACHE_DIR"]).is_dir()


def test_a_take_never_replaces_its_clip(tmp_path, capsys):
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"a film")
    assert cli.main(["capture", str(clip), "--out", str(clip)]) == protocol.CANNOT_SERVE
    assert "is the clip itself" in capsys.readouterr().err and clip.read_bytes() == b"a film"


@pytest.mark.parametrize(
    ("flags", "word"),
    [
        (["--region", "nan", "0", "9", "9"], "--region"),
        (["--region", "0", "0", "-9", "9"], "--region"),
        (["--fps", "1e-9"], "--fps"),
    ],
)
def test_numbers_that_say_nothing_are_refused(flags, word, tmp_path, capsys):
    out = ["--out", str(tmp_path / "a.take.npz")]
    assert cli.main(["capture", str(DEMO), *out, *flags]) == protocol.CANNOT_SERVE
    assert word in capsys.readouterr().err and not list(tmp_path.iterdir())


@pytest.mark.parametrize("what", ["clips", "speech", "senses", "covers", "scans", "visemes"])
def test_a_measure_of_no_folder_says_so(what, tmp_path, capsys):
    assert cli.main(["evaluate", what, str(tmp_path / "none")]) == protocol.CANNOT_SERVE
    assert "no folder at" in capsys.readouterr().err


def test_a_measure_refuses_the_flags_of_another():
    with pytest.raises(SystemExit):
        cli.main(["evaluate", "speech", str(ROOT), "--quality", "high"])


def test_a_fault_of_ours_is_no_failed_clip(monkeypatch, capsys):
    monkeypatch.setattr("engine.exchange.take.Take.load", lambda _: 1 / 0)
    assert cli.main(["inspect", "a.take.npz"]) == protocol.OUR_FAULT
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_a_missing_clip(tmp_path):
    refused(engine("capture", tmp_path / "none.mp4", "--out", tmp_path / "a.take.npz"), "none.mp4")


def test_a_file_that_is_no_clip(tmp_path):
    clip = tmp_path / "text.mp4"
    clip.write_text("this is no film")
    refused(engine("capture", clip, "--out", tmp_path / "a.take.npz"), "text.mp4")
    assert not list(tmp_path.glob("*.npz*"))


def test_inspect_of_what_is_no_take(tmp_path):
    path = tmp_path / "a.take.npz"
    path.write_bytes(b"PK")
    refused(engine("inspect", path), "not a take")


def test_a_job_of_a_missing_clip_says_so_on_the_wire(tmp_path):
    write_job(
        CaptureJob(str(tmp_path / "none.mp4"), str(tmp_path / "a.npz")), tmp_path / "job.json"
    )
    # Standard input stays open, or the leash would end the engine first.
    with subprocess.Popen(
        [sys.executable, "-m", "engine", "run", str(tmp_path / "job.json")],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout
        events = [protocol.decode(line) for line in process.stdout]
        assert process.wait() == protocol.CANNOT_SERVE
    assert isinstance(events[0], Hello) and isinstance(events[-1], Failed)


def start(job: Path, **keywords) -> subprocess.Popen:
    """The engine on a job, as the add-on starts it: standard input held open."""
    return subprocess.Popen(
        [sys.executable, "-m", "engine", "run", str(job)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        **keywords,
    )


def demo_job(folder: Path, **options) -> tuple[Path, Path]:
    out = folder / "demo.take.npz"
    write_job(CaptureJob(str(DEMO), str(out), options=options), folder / "job.json")
    return folder / "job.json", out


def test_a_job_gives_events_and_a_take(tmp_path):
    folder = tmp_path / "job with ü"
    folder.mkdir()
    job, out = demo_job(folder, end=1.0, detail="fast")
    with start(job) as process:
        assert process.stdout
        events = [protocol.decode(line) for line in process.stdout]
        assert process.wait() == protocol.DONE
    assert isinstance(events[0], Hello)
    assert events[-1] == Done(str(out))
    assert all(isinstance(event, Progress | Note) for event in events[1:-1])
    fractions = [event.fraction for event in events if isinstance(event, Progress)]
    assert fractions == sorted(fractions) and fractions[-1] == 1.0
    take = Take.load(out)
    assert take.found.all() and take.times[-1] < 1.0
    report = json.loads((folder / "demo.report.json").read_text())
    assert report["ok"] and report["frames"] == take.frame_count
    shown = engine("inspect", out)
    assert shown.returncode == 0 and f"{take.frame_count}, " in shown.stdout


def until_working(process: subprocess.Popen) -> None:
    """Read events until the first progress of the work."""
    assert process.stdout
    for line in process.stdout:
        if isinstance(protocol.decode(line), Progress):
            return


def test_closing_standard_input_ends_the_engine_at_once(tmp_path):
    job, out = demo_job(tmp_path)
    with start(job) as process:
        until_working(process)
        assert process.stdin
        process.stdin.close()
        begun = time.monotonic()
        process.wait(timeout=10)
        assert time.monotonic() - begun < 5
    assert not out.exists()


@pytest.mark.skipif(os.name == "nt", reason="kills by signal")
def test_an_engine_that_is_killed_leaves_nothing_under_a_final_name(tmp_path):
    job, out = demo_job(tmp_path)
    with start(job) as process:
        until_working(process)
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=10)
    assert not out.exists() and not list(tmp_path.glob("*.normals/*.png"))


def test_a_full_disk_is_said_in_words(tmp_path, capsys):
    """/dev/full takes nothing: what a full disk looks like."""
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    out = tmp_path / "demo.take.npz"
    out.with_name(f"{out.name}.{os.getpid()}.tmp").symlink_to("/dev/full")
    words = ["capture", str(DEMO), "--out", str(out), "--end", "0.4", "--detail", "off"]
    assert cli.main(words) == protocol.CANNOT_SERVE
    assert "No space left" in capsys.readouterr().err
    assert not out.exists()


def test_an_address_is_no_file(capsys):
    assert cli.main(["capture", "https://example.org/a.mp4"]) == protocol.CANNOT_SERVE
    assert "Download it first" in capsys.readouterr().err


def test_no_face_and_no_sound_are_said_in_words(tmp_path):
    """A grey picture sequence: silent, and nobody in it."""
    for frame in range(3):
        cv2.imwrite(str(tmp_path / f"grey.{frame:04d}.png"), np.full((48, 64, 3), 128, np.uint8))
    result = engine("capture", tmp_path / "grey.####.png", "--out", tmp_path / "grey.take.npz")
    refused(result, "No face", "no sound")


@pytest.mark.parametrize(
    ("flag", "value"),
    [("--focal", -3), ("--smoothing", 0), ("--fps", "nan"), ("--start", -3), ("--end", "nan"),
     ("--face", 0)],
)  # fmt: skip
def test_a_number_that_cannot_be_is_refused(tmp_path, capsys, flag, value):
    words = ["capture", str(DEMO), "--out", str(tmp_path / "a.take.npz"), flag, str(value)]
    assert cli.main(words) == protocol.CANNOT_SERVE
    least = {"--start": "0 or above", "--face": "1 or above"}.get(flag, "above 0")
    assert capsys.readouterr().err == f"{flag} can't be {value}. Give a number {least}.\n"
