"""Run as the engine's Python, `fake -m engine run JOB`: puts a ready take where the job wants it.

The take is READY_TAKE's. A clip whose name holds "bad" is refused, at "crash" the engine dies, with
"slow" it takes a minute, with "first" it says that it prepares itself. As `fake -m engine faces
CLIP ...` it finds two faces in a picture of 640 x 480.
"""

import json
import os
import shutil
import sys
import time
from pathlib import Path

sys.path.insert(0, os.getcwd())
from engine.commands.wire import speak
from engine.exchange.protocol import (
    PREPARING,
    VERSION,
    Done,
    Failed,
    Hello,
    Note,
    Progress,
)

FACES = ([300.0, 100.0, 420.0, 260.0], [60.0, 150.0, 140.0, 260.0])


def find_faces(clip: str, words: list[str]) -> None:
    """What the command `faces` does."""
    named = dict(zip(words[::2], words[1::2], strict=False))
    send(Hello(VERSION, "cpu"))
    if "bad" in clip:
        send(Failed("It holds sound only.", "Choose a video."))
        sys.exit(2)
    content = {"time": float(named["--time"]), "size": [640, 480]}
    faces = [] if "nobody" in clip else [{"box": box} for box in FACES]
    Path(named["--out"]).write_text(json.dumps(content | {"faces": faces}), encoding="utf-8")
    send(Done(named["--out"]))
    sys.exit()


send = speak()
if sys.argv[3] == "faces":
    find_faces(sys.argv[4], [word for word in sys.argv[5:] if word != "--events"])
job = json.loads(Path(sys.argv[4]).read_text(encoding="utf-8"))
clip = Path(job["clip"]).stem
send(Hello(VERSION, "cpu"))
if "first" in clip:
    send(Progress(PREPARING, 0.0))
    time.sleep(0.5)  # long enough to be seen by whoever looks now and then
send(Progress("faces", 0.25))
if "bad" in clip:
    send(Failed("No face was found.", "Choose another clip."))
    sys.exit(2)
if "crash" in clip:
    sys.exit("out of luck")
if "slow" in clip:
    time.sleep(60)
send(Note("The clip has no sound."))
send(Progress("fit", 0.75))
Path(job["out"]).parent.mkdir(parents=True, exist_ok=True)
shutil.copy(os.environ["READY_TAKE"], job["out"])
send(Done(job["out"]))
