"""What the documents name is there: links, headings, files, commands and their flags."""

import re
from collections import Counter
from pathlib import Path

import pytest

from engine.cli import _parser

ROOT = Path(__file__).parents[1]
LOG = ROOT / "docs" / "log.md"  # tells of files and flags as they were
GUIDES = [
    ROOT / "README.md",
    ROOT / "engine" / "README.md",
    ROOT / "weights" / "README.md",
    *sorted(path for path in (ROOT / "docs").glob("*.md") if not path.name.startswith("log")),
]
REGISTRY = ROOT / "weights" / "registry.toml"
# Their flags are the engine's own.
HANDED_ON = {"scripts/avface.py", "scripts/capture.py", "scripts/blender_batch.py"}
FLAG = re.compile(r'"(--[a-z][\w-]*)"')
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"```.*?\n(.*?)```|`([^`]+)`", re.DOTALL)
PATH = re.compile(r"(?:avface_blender|docs|engine|requirements|scripts|weights)/[\w/.]*\w\.\w+")
SCRIPT = re.compile(r"(scripts/[\w/]+\.py)([^\n#]*)")
COMMAND = re.compile(r"(?:avface\.py|-m engine|^engine) ([a-z]+)([^\n#]*)", re.MULTILINE)


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def snippets(path: Path) -> list[str]:
    found = CODE.findall(path.read_text(encoding="utf-8"))
    return [block or inline for block, inline in found]


def anchors(path: Path) -> set[str]:
    """What a document's headings can be linked by, as GitHub makes them."""
    text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.S | re.M)
    slugs = Counter(
        re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    )
    return {*slugs, *(f"{slug}-{k}" for slug in slugs for k in range(1, slugs[slug]))}


def flags_of(command: str) -> set[str]:
    """The flags of a command and of the commands below it."""
    parsers = next(a for a in _parser()._actions if a.metavar == "COMMAND").choices
    assert command in parsers, command
    found, waiting = set(), [parsers[command]]
    while waiting:
        for action in waiting.pop()._actions:
            found |= set(action.option_strings)
            if isinstance(action.choices, dict):
                waiting += action.choices.values()
    return found


def flags_in(script: Path) -> set[str]:
    """The flags that a script's text names, and those of the scripts beside it that it imports."""
    text = script.read_text(encoding="utf-8")
    beside = [script.with_name(f"{found}.py") for found in re.findall(r"from (\w+) import", text)]
    return set(FLAG.findall(text)).union(*(flags_in(path) for path in beside if path.is_file()))


@pytest.mark.parametrize("path", [*GUIDES, LOG], ids=name)
def test_links_lead_somewhere(path):
    for link in LINK.findall(path.read_text(encoding="utf-8")):
        if "://" in link:
            continue
        place, _, anchor = link.partition("#")
        target = path.parent / place if place else path
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("path", GUIDES, ids=name)
def test_files_that_are_named_are_there(path):
    for snippet in snippets(path):
        for file in PATH.findall(snippet):
            assert (ROOT / file).exists(), file


@pytest.mark.parametrize("path", GUIDES, ids=name)
def test_commands_that_are_named_are_there(path):
    for snippet in snippets(path):
        for command, rest in COMMAND.findall(snippet):
            flags = flags_of(command)
            if command != "train":  # its flags are its stages'
                assert set(re.findall(r"--[a-z][\w-]*", rest)) <= flags, (command, rest)


@pytest.mark.parametrize("path", [*GUIDES, REGISTRY], ids=name)
def test_scripts_that_are_named_have_their_flags(path):
    for snippet in [path.read_text("utf-8")] if path == REGISTRY else snippets(path):
        for script, rest in SCRIPT.findall(snippet):
            named = set(re.findall(r"--[a-z][\w-]*", rest))
            assert script in HANDED_ON or named <= flags_in(ROOT / script), (script, rest)


def test_the_logs_front_page_is_short():
    front = LOG.read_text(encoding="utf-8").partition("\n## ")[0]
    assert len(front.splitlines()) <= 80


@pytest.mark.parametrize("path", sorted((ROOT / "requirements").glob("*.txt")), ids=name)
def test_every_package_that_is_asked_for_is_pinned_and_its_licence_told(path):
    told = (ROOT / "docs" / "third-party.md").read_text(encoding="utf-8")
    lines = [line.partition("#")[0].strip() for line in path.read_text("utf-8").splitlines()]
    for line in filter(None, lines):
        package, _, version = line.partition("==")
        assert version, line
        assert package.removesuffix("-4.5") in told, package  # fake-bpy-module's Blender
