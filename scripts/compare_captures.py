"""Make a page for blind comparisons of captures.

    python scripts/compare_captures.py --out compare.html fit=takes/fit networks=takes/networks

Each folder holds the NAME.preview.mp4 of one system (`python -m engine capture ... --preview`).
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


def main() -> int:
    from engine.evaluation.blind import named_folders, write_page
    from engine.exchange.protocol import CANNOT_SERVE, DONE, AVFaceError

    parser = argparse.ArgumentParser(description="A page for blind comparisons of captures.")
    parser.add_argument("systems", nargs="+", metavar="NAME=FOLDER")
    parser.add_argument("--out", type=Path, default=Path("compare.html"))
    parser.add_argument("--seed", type=int, default=0, help="of sides and order")
    found = parser.parse_args()
    try:
        count = write_page(named_folders(found.systems), found.out, found.seed)
    except AVFaceError as error:
        print(error, file=sys.stderr)
        return CANNOT_SERVE
    print(f"{found.out}: {count} comparisons")
    return DONE


if __name__ == "__main__":
    sys.exit(main())
