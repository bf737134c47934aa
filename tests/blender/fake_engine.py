"""Run as the engine's Python, `fake -m engine run JOB`: puts a ready take where the job wants it.

The take is READY_TAKE's. A clip whose name holds "bad" is refused, at "crash" the engine dies, with
"slow" it takes a minute.
"""

import json
import os
import shutil
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, os.getcwd())
from engine.exchange.protocol import VERSION, Done, Failed, Hello, Note, Progress, claim_stdout


def leash() -> None:
    while os.read(0, 1024):
        continue
    os._exit(130)


threading.Thread(target=leash, daemon=True).start()
send = claim_stdout()
job = json.loads(Path(sys.argv[4]).read_text(encoding="utf-8"))
clip = Path(job["clip"]).stem
send(Hello(VERSION, "cpu"))
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
