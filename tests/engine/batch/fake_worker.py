"""Stands in for `python -m engine` in a batch: does what the clip's name says, leaves a take."""

import json
import os
import sys
import time
import zipfile
from pathlib import Path

sys.path.insert(0, os.getcwd())
from engine.commands.wire import speak
from engine.exchange.protocol import VERSION, Done, Failed, Hello, Progress

send = speak()
job_path = Path(sys.argv[2])
job = json.loads(job_path.read_text(encoding="utf-8"))
name, out = Path(job["clip"]).stem, Path(job["out"])
with open(job_path.with_name("starts"), "a") as starts:
    starts.write(f"{os.getpid()}\n")
count = len(job_path.with_name("starts").read_text().splitlines())
send(Hello(VERSION, "cpu"))
send(Progress("faces", 0.25))
if "bad" in name:
    send(Failed("No face was found.", "Choose another clip."))
    sys.exit(2)
if "crash" in name and ("always" in name or count == 1):
    out.with_name(out.name + ".tmp").write_bytes(b"half")
    sys.exit("out of luck")
if "slow" in name and count == 1:
    out.with_name(out.name + ".tmp").write_bytes(b"half")
    time.sleep(60)
time.sleep(0.05)
temporary = out.with_name(out.name + ".tmp")
with zipfile.ZipFile(temporary, "w") as file:
    file.writestr("take", json.dumps(job["options"]))
os.replace(temporary, out)
report = {"frames": 25, "frames_with_face": 24, "mean_confidence": {"face": 0.9},
          "warnings": ["It is <dark>."], "clip_seconds": 1.0}  # fmt: skip
stem = out.name.removesuffix(".take.npz")
out.with_name(f"{stem}.report.json").write_text(json.dumps(report))
if job["sheet"]:
    out.with_name(f"{stem}.sheet.png").write_bytes(b"a picture")
send(Done(str(out)))
