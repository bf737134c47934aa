"""The add-on as one zip for Blender, and a repository index beside it.

`python3 scripts/build_extension.py --out DIR` writes `avface-VERSION.zip` and `index.json` to DIR.
The zip is the same, byte for byte, for the same files. DIR can be served as it is: its address,
`.../index.json`, is a remote repository for Blender's Preferences > Get Extensions.
"""

from __future__ import annotations

import argparse
import ast
import fnmatch
import hashlib
import json
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

from environments import ROOT, CannotSetUp, clean_environment, find_blender, say

MANIFEST = "blender_manifest.toml"
NEEDED = (
    "__init__.py", MANIFEST, "LICENSE", "avface_blender/registration.py", "engine/__main__.py",
    "engine/exchange/protocol.py", "requirements/engine.txt", "requirements/engine-alone.txt",
    "scripts/blender_batch.py", "weights/registry.toml",
)  # fmt: skip
FIXED_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can hold
_INDEXED = (  # of the manifest, in an index as `blender --command extension server-generate` has it
    "id", "name", "tagline", "version", "type", "maintainer", "license", "blender_version_min",
    "blender_version_max", "website", "copyright", "permissions", "tags", "platforms",
    "schema_version",
)  # fmt: skip


def main(arguments: list[str]) -> int:
    """Build, check, index; 0 when all is well, 2 with one sentence when it isn't."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the zip and its index")
    parser.add_argument("--source", type=Path, default=ROOT, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    try:
        archive = build(options.source, options.out)
        validate_with_blender(archive)
    except CannotSetUp as error:
        print(error, file=sys.stderr)
        return 2
    index = write_index(options.out)
    megabytes = archive.stat().st_size / 2**20
    say(f"{archive}: {megabytes:.1f} MiB, sha256 {_sha256(archive.read_bytes())}")
    say(f"{index}: the repository index")
    return 0


def build(source: Path, out: Path) -> Path:
    """The zip of what the manifest doesn't exclude. Raises CannotSetUp when something is amiss."""
    manifest = tomllib.loads((source / MANIFEST).read_text(encoding="utf-8"))
    names = list_files(source, manifest["build"]["paths_exclude_pattern"])
    check(source, manifest, names)
    out.mkdir(parents=True, exist_ok=True)
    archive = out / f"{manifest['id']}-{manifest['version']}.zip"
    temporary = archive.with_name(archive.name + ".tmp")
    with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        for name in names:
            entry = zipfile.ZipInfo(name, FIXED_TIME)
            entry.compress_type, entry.create_system = zipfile.ZIP_DEFLATED, 3
            entry.external_attr = 0o100644 << 16
            file.writestr(entry, (source / name).read_bytes())
    os.replace(temporary, archive)
    return archive


def list_files(source: Path, patterns: list[str]) -> list[str]:
    """What goes into the zip, sorted: of a git checkout only what git knows."""
    tracked = subprocess.run(
        ["git", "-C", str(source), "ls-files", "-z"], capture_output=True, text=True, check=False
    ) if (source / ".git").exists() else None  # fmt: skip
    if tracked and tracked.returncode == 0:
        names = [name for name in tracked.stdout.split("\0") if (source / name).is_file()]
    else:
        found = (path for path in source.rglob("*") if path.is_file())
        names = [path.relative_to(source).as_posix() for path in found]
    return sorted(name for name in names if name and not is_excluded(name, patterns))


def is_excluded(name: str, patterns: list[str]) -> bool:
    """Whether patterns as in a .gitignore leave a file out, by its own path or a folder's."""
    parts = name.split("/")
    paths = ["/".join(parts[: k + 1]) + "/" * (k + 1 < len(parts)) for k in range(len(parts))]
    hits = [p for p in patterns for path in paths if _matches(path, p.removeprefix("!"))]
    return bool(hits) and not any(pattern.startswith("!") for pattern in hits)


def _matches(path: str, pattern: str) -> bool:
    if pattern.endswith("/") and not path.endswith("/"):
        return False
    path, wanted = path.rstrip("/").split("/"), pattern.strip("/").split("/")
    if not pattern.startswith("/"):
        path = path[-len(wanted) :]
    return len(path) == len(wanted) and all(map(fnmatch.fnmatchcase, path, wanted))


def check(source: Path, manifest: dict, names: list[str]) -> None:
    """What can be told without Blender. Raises CannotSetUp with every fault in it."""
    faults = [f"{name} is missing" for name in NEEDED if name not in names]
    if "blender" in manifest["name"].lower():
        faults.append("the extension's name may not hold the word Blender")
    sentences = [manifest["tagline"], *manifest.get("permissions", {}).values()]
    faults += [f"“{text}” ends in punctuation" for text in sentences if not text[-1].isalnum()]
    for name in names:
        if name.endswith(".py"):
            try:
                ast.parse((source / name).read_bytes(), name, feature_version=(3, 11))
            except SyntaxError as error:
                faults.append(f"{name} is no Python 3.11 ({error})")
    registry = tomllib.loads((source / "weights/registry.toml").read_text(encoding="utf-8"))
    for row in registry.values():
        name = f"weights/{row['file']}"
        if name in names and _sha256((source / name).read_bytes()) != row["sha256"]:
            faults.append(f"{name} is not the file that weights/registry.toml names")
        if name not in names and not (source / name).is_file():
            faults.append(f"{name} is missing")
    known = {f"weights/{row['file']}" for row in registry.values()}
    known |= {"weights/registry.toml", "weights/README.md"}
    strangers = [name for name in names if name.startswith("weights/") and name not in known]
    faults += [f"{name} has no row in weights/registry.toml" for name in strangers]
    if faults:
        raise CannotSetUp(f"The extension can't be built: {'; '.join(faults)}.")


def validate_with_blender(archive: Path) -> None:
    """Have a Blender of this machine judge the zip. Raises CannotSetUp when it refuses it."""
    blender = find_blender()
    if blender is None:
        say("No Blender was found here: the zip was checked by this script alone.")
        return
    done = subprocess.run(
        [str(blender), "--command", "extension", "validate", str(archive)],
        capture_output=True, text=True, check=False, env=clean_environment(),
    )  # fmt: skip
    if done.returncode != 0:
        raise CannotSetUp(f"{blender} refuses the zip: {done.stdout.strip()} {done.stderr.strip()}")
    say(f"{blender} finds the zip valid.")


def write_index(folder: Path) -> Path:
    """`index.json` of every extension's zip in the folder, in the form of Blender's API v1."""
    rows = []
    for archive in sorted(folder.glob("*.zip")):
        with zipfile.ZipFile(archive) as file:
            manifest = tomllib.loads(file.read(MANIFEST).decode("utf-8"))
        content = archive.read_bytes()
        rows.append(
            {name: manifest[name] for name in _INDEXED if name in manifest}
            | {
                "archive_url": f"./{archive.name}",
                "archive_size": len(content),
                "archive_hash": f"sha256:{_sha256(content)}",
            }
        )
    index = folder / "index.json"
    temporary = index.with_name("index.json.tmp")
    text = json.dumps({"version": "v1", "blocklist": [], "data": rows}, indent=2)
    temporary.write_text(text + "\n", encoding="utf-8")
    os.replace(temporary, index)
    return index


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
