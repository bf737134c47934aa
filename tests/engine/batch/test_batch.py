"""Many clips: lists read, done ones skipped, bad ones reported, workers and Ray killed half way."""

import csv
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from engine.batch import BatchOptions, Wanted, read_manifest, run_batch, write_summary
from engine.exchange.protocol import AVFaceError, Done, Failed, Item, decode
from tests.processes import lives, wait_until

ROOT = Path(__file__).parents[3]
FAKE = (sys.executable, str(Path(__file__).with_name("fake_worker.py")))


def make_clips(folder: Path, *names: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / f"{name}.mp4").write_bytes(name.encode())
    return folder


def run(source: Path, out: Path, **options) -> tuple[dict[str, str], list[Item]]:
    """Serve a folder with the fake engine: name -> state of its record, and what was said."""
    heard: list[Item] = []
    chosen = BatchOptions(out, engine=FAKE, **options)
    records = run_batch(read_manifest(source), chosen, heard.append)
    return {record.name: record.state for record in records}, heard


def starts(out: Path, name: str) -> list[int]:
    path = out / "jobs" / name / "starts"
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def test_a_folder_gives_its_films_by_name(tmp_path):
    make_clips(tmp_path, "b", "a")
    (tmp_path / "notes.txt").write_text("no film")
    assert [item.name for item in read_manifest(tmp_path)] == ["a", "b"]


def test_a_folder_is_found_from_where_one_stands(tmp_path, monkeypatch):
    (tmp_path / "clips").mkdir()
    make_clips(tmp_path / "clips", "a")
    monkeypatch.chdir(tmp_path)
    (item,) = read_manifest(Path("clips"))
    assert item.clip.is_file()


def test_workers_are_counted_from_one(tmp_path):
    with pytest.raises(AVFaceError, match="workers"):
        BatchOptions(tmp_path, workers=0)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_csv_with_options_in_its_columns(tmp_path, delimiter):
    rows = [
        {"Clip": "ada, take 1.mp4", "actor": "Ada", "in": "1.5", "out": "", "region": "0 10 20 30"},
        {"Clip": "sub/ada, take 1.mov", "actor": "", "in": "", "out": "4", "region": ""},
    ]
    path = tmp_path / "list.csv"
    with open(path, "w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    first, second = read_manifest(path, {"detail": "off"})
    assert first == Wanted(
        "ada, take 1", tmp_path / "ada, take 1.mp4",
        {"detail": "off", "actor": "Ada", "start": 1.5, "region": (0.0, 10.0, 20.0, 30.0)},
    )  # fmt: skip
    assert second.name == "ada, take 1-2"
    assert second.options == {"detail": "off", "end": 4.0}


def test_a_person_is_named_by_a_path_beside_the_list(tmp_path):
    path = tmp_path / "list.json"
    path.write_text(json.dumps([{"clip": "b.mp4", "person": "out/a.take.npz"}]))
    (only,) = read_manifest(path)
    assert only.options["person"] == str(tmp_path / "out/a.take.npz")


def test_a_json_with_shared_options(tmp_path):
    path = tmp_path / "list.json"
    content = {"options": {"detail": "fast"}, "clips": ["a.mp4", {"clip": "b.mp4", "name": "B/1"}]}
    path.write_text(json.dumps(content))
    items = read_manifest(path)
    assert [item.name for item in items] == ["a", "B_1"]
    assert all(item.options == {"detail": "fast"} for item in items)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("clip,colour\na.mp4,red\n", "“colour”, which is no option"),
        ("clip,in\na.mp4,soon\n", "in can't be “soon”"),
        ("clip,detail\na.mp4,best\n", "detail can't be “best”"),
        ("name\nada\n", "Row 1 of .* names no clip"),
        ("clip\n", "names no clips"),
    ],
)
def test_what_is_wrong_with_a_list_is_said_with_its_row(tmp_path, text, words):
    path = tmp_path / "list.csv"
    path.write_text(text)
    with pytest.raises(AVFaceError, match=words):
        read_manifest(path)


def test_a_list_that_is_not_there_is_said(tmp_path):
    with pytest.raises(AVFaceError, match="There is no folder or list"):
        read_manifest(tmp_path / "clips.csv")


def test_good_bad_and_crashing_clips(tmp_path):
    source = make_clips(tmp_path / "in", "ada", "bad", "crash once", "crash always")
    out = tmp_path / "the résults"
    states, heard = run(source, out, workers=2)
    assert states == {
        "ada": "done",
        "bad": "failed",
        "crash once": "done",
        "crash always": "failed",
    }
    assert len(starts(out, "bad")) == 1, "what can't be served is not tried again"
    assert len(starts(out, "crash once")) == len(starts(out, "crash always")) == 2
    assert not list(out.glob("*.tmp"))
    takes = {item.name: item.result for item in heard if item.state == "done"}
    assert takes == {name: str(out / f"{name}.take.npz") for name in ("ada", "crash once")}
    assert any(item.state == "running" and item.fraction == 0.25 for item in heard)


def test_what_stands_is_skipped_until_something_changes(tmp_path):
    source, out = make_clips(tmp_path / "in", "ada", "bob", "bad"), tmp_path / "out"
    run(source, out)
    (source / "bob.mp4").write_bytes(b"another film")
    states, heard = run(source, out)
    assert [item.name for item in heard if item.state == "skipped"] == ["ada"]
    assert {name: len(starts(out, name)) for name in states} == {"ada": 1, "bob": 2, "bad": 2}
    (out / "ada.take.npz").write_bytes(b"cut off")
    run(source, out)
    assert len(starts(out, "ada")) == 2
    run(source, out, sheets=False)
    assert len(starts(out, "ada")) == 3, "asked for something else"
    run(source, out, sheets=False, again=True)
    assert len(starts(out, "ada")) == 4


def test_a_clip_that_is_not_there_does_not_stop_the_others(tmp_path):
    make_clips(tmp_path, "ada")
    (tmp_path / "list.csv").write_text("clip\nnone.mp4\nada.mp4\n")
    states, _ = run(tmp_path / "list.csv", tmp_path / "out")
    assert states == {"none": "failed", "ada": "done"}


def test_the_report_shows_every_clip_and_escapes_what_it_shows(tmp_path):
    source, out = make_clips(tmp_path / "in", "ada", "bad", "zoe #1 & co"), tmp_path / "out"
    wanted = read_manifest(source)
    run_batch(wanted[:2], BatchOptions(out, engine=FAKE), lambda item: None)
    content = write_summary(wanted, out, 1.0)
    assert (content["done"], content["failed"], content["waiting"]) == (1, 1, 1)
    assert json.loads((out / "batch.report.json").read_text()) == content
    page = (out / "batch.report.html").read_text(encoding="utf-8")
    assert 'src="ada.sheet.png"' in page
    assert "It is &lt;dark&gt;." in page
    assert "zoe #1 &amp; co" in page
    assert page.index("No face was found.") < page.index("It is &lt;dark&gt;.")


COMMAND = """
import sys; sys.path.insert(0, sys.argv[1])
from engine.batch import run
fake = tuple(sys.argv[2:4])
options = run.BatchOptions
run.BatchOptions = lambda **k: options(**k, engine=fake)
import engine.batch
engine.batch.BatchOptions = run.BatchOptions
from engine.cli import main
sys.exit(main(sys.argv[4:]))
"""


def start_command(*arguments: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, str(ROOT), *FAKE, "batch", *arguments],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_the_command_and_its_exit_codes(tmp_path):
    source, out = make_clips(tmp_path / "in", "ada", "bad"), tmp_path / "out"
    process = start_command(str(source), "--out", str(out), "--workers", "2", "--events")
    assert process.stdout
    text = process.stdout.read()  # its standard input, the leash, stays open meanwhile
    assert process.wait(60) == 1
    events = [decode(line) for line in text.splitlines()]
    assert events[-1] == Done(str(out / "batch.report.html"))
    states = [event.state for event in events if isinstance(event, Item) and event.name == "ada"]
    assert (states[0], states[-1]) == ("waiting", "done")


def test_a_batch_of_nothing_says_so_on_the_wire(tmp_path):
    process = start_command(str(tmp_path / "none"), "--out", str(tmp_path / "out"), "--events")
    assert process.stdout
    last = decode(process.stdout.read().splitlines()[-1])
    assert process.wait(60) == 2 and isinstance(last, Failed) and "none" in last.message


def test_parts_share_a_list_between_machines(tmp_path):
    source, out = make_clips(tmp_path / "in", *"abcde"), tmp_path / "out"
    process = start_command(str(source), "--out", str(out), "--part", "2/2")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert sorted(path.name[0] for path in out.glob("*.take.npz")) == ["b", "d"]
    assert json.loads((out / "batch.report.json").read_text())["waiting"] == 3
    process = start_command(str(source), "--out", str(out), "--part", "3/2")
    assert "no part" in process.communicate(timeout=60)[1]


@pytest.mark.skipif(os.name == "nt", reason="asks for a process by number")
def test_a_killed_batch_leaves_no_engine_and_is_carried_on(tmp_path):
    source, out = make_clips(tmp_path / "in", "ada", "slow one", "slow two"), tmp_path / "out"
    process = start_command(str(source), "--out", str(out), "--workers", "3")
    wait_until(lambda: starts(out, "slow one") and starts(out, "slow two"))
    wait_until(lambda: (out / "ada.take.npz").exists())
    engines = [pid for name in ("slow one", "slow two") for pid in starts(out, name)]
    process.kill()
    process.communicate()
    wait_until(lambda: not any(map(lives, engines)))
    assert sorted(path.name for path in out.glob("*.take.npz")) == ["ada.take.npz"]
    states, _ = run(source, out)
    assert set(states.values()) == {"done"}
    assert not list(out.glob("*.tmp"))


@pytest.mark.skipif(os.name == "nt", reason="asks for a process by number")
def test_a_killed_engine_is_begun_again(tmp_path):
    source, out = make_clips(tmp_path / "in", "ada", "slow one"), tmp_path / "out"
    threading.Thread(target=kill_first_engine, args=(out, "slow one"), daemon=True).start()
    states, _ = run(source, out, workers=2)
    assert states == {"ada": "done", "slow one": "done"}
    assert len(starts(out, "slow one")) == 2


def kill_first_engine(out: Path, name: str) -> None:
    wait_until(lambda: starts(out, name))
    os.kill(starts(out, name)[0], signal.SIGKILL)


def test_without_ray_it_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(AVFaceError, match="Ray is not installed"):
        run(make_clips(tmp_path / "in", "ada"), tmp_path / "out", ray="local")


@pytest.mark.skipif(os.name == "nt", reason="asks for a process by number")
def test_two_workers_of_ray_one_of_them_killed_half_way(tmp_path):
    pytest.importorskip("ray", reason="ray is not installed")
    names = ["slow one", *"abcd", "bad"]
    source, out = make_clips(tmp_path / "in", *names), tmp_path / "out"
    killer = threading.Thread(target=kill_worker_of, args=(out, "slow one"), daemon=True)
    killer.start()
    states, _ = run(source, out, workers=2, ray="local")
    killer.join()
    assert states == {name: "done" for name in names} | {"bad": "failed"}
    assert len(starts(out, "slow one")) == 2
    assert not list(out.glob("*.tmp"))


def kill_worker_of(out: Path, name: str) -> None:
    """Kill -9 Ray's worker process, the parent of the engine that is on this clip."""
    wait_until(lambda: starts(out, name), 60)
    engine = starts(out, name)[0]
    stat = Path(f"/proc/{engine}/stat").read_text()
    os.kill(int(stat.rpartition(")")[2].split()[1]), signal.SIGKILL)
    wait_until(lambda: not lives(engine))
