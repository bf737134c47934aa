"""Stands in for `python -c LEASH pip install ...`: says what pip says, or fails as pip fails.

MANNER is `work`, `hang`, `network`, `disk`; what it is called with goes to CALLS.
"""

import json
import os
import sys
import time
from pathlib import Path

with open(os.environ["CALLS"], "a", encoding="utf-8") as file:
    file.write(json.dumps(sys.argv[1:]) + "\n")
manner = Path(os.environ["MANNER"]).read_text()
if "pip>=24.1" in sys.argv and manner == "old pip":
    sys.exit(1)
if manner == "no index" and "--index-url" in sys.argv:
    print("ERROR: Could not find a version")
    sys.exit(1)
if manner == "network" and "-r" in sys.argv:
    print("WARNING: Retrying after connection broken by 'NewConnectionError'")
    print("ERROR: Could not find a version that satisfies the requirement numpy==2.4.6")
    sys.exit(1)
if manner == "disk" and "-r" in sys.argv:
    print("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device")
    sys.exit(1)
if "-r" in sys.argv:
    print("Collecting numpy==2.4.6")
    print("  Downloading https://host/numpy-2.4.6-cp311-cp311-win_amd64.whl (16.8 MB)")
    for part in range(0, 17, 4):
        print(f"Progress {part}000000 of 16800000", flush=True)
    if manner == "hang":
        time.sleep(60)
    print("  Using cached torch-2.13.0-cp311-none-any.whl (191.2 MB)")
    print("Installing collected packages: numpy, torch")
