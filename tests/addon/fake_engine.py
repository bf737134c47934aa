"""A stand-in for `python -m engine run JOB`: speaks the wire, does what its first word says.

`fake_engine.py MANNER SECONDS`; it is started as the engine is, from the repository's folder.
"""

import os
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.getcwd())
from engine.exchange.protocol import (
    VERSION,
    Done,
    Failed,
    Hello,
    Note,
    Progress,
    claim_stdout,
)

MANNER, SECONDS = sys.argv[1], float(sys.argv[2])


def leash() -> None:
    while os.read(0, 1024):  # not sys.stdin: a thread that holds its lock aborts a normal exit
        continue
    os._exit(130)


if MANNER == "garbage":
    print("not an event")
send = claim_stdout()
if MANNER != "deaf":
    threading.Thread(target=leash, daemon=True).start()
print("a stray Python print")
subprocess.run([sys.executable, "-c", "print('a stray C print')"], check=True)
send(Hello(VERSION + 1 if MANNER == "stranger" else VERSION, "cpu"))
send(Note(f"{len([name for name in os.environ if name in ('PYTHONHOME', 'PYTHONPATH')])} leaked"))
for i in range(5):
    send(Progress("faces", i / 5))
    time.sleep(SECONDS)
if MANNER == "crash":
    raise SystemExit("boom")
if MANNER == "refuse":
    send(Failed("No face was found.", "Choose another clip."))
    sys.exit(2)
send(Done("take.npz"))
if MANNER == "linger":
    time.sleep(60)
