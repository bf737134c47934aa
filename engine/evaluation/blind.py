"""A page for blind comparisons: two captures of a clip side by side, in an order that nobody knows.

Both papers asked people. The page is one HTML file beside the films; answers stay in the browser
until they are saved as CSV or JSON.
"""

import json
import os
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np

from ..exchange.protocol import AVFaceError
from ..exchange.saving import save

QUESTIONS = (
    ("lips", "In which film do the lips follow the speech better?"),
    ("detail", "Which face has the better details?"),
    ("occlusion", "Which face is right where something covers the real one?"),
    ("overall", "Which capture is better as a whole?"),
)
_SUFFIX = ".preview.mp4"


@dataclass(frozen=True)
class Pair:
    """One comparison; `left` and `right` are paths as the page names them."""

    clip: str
    left: str
    right: str
    left_system: str
    right_system: str


def pair_films(folders: dict[str, Path], out: Path, seed: int = 0) -> list[Pair]:
    """Every clip that two systems captured, each pair of systems once, sides and order at random.

    Args:
        folders: system -> the folder with its NAME.preview.mp4.
        out: The page's folder: paths are relative to it.
        seed: Of the order.
    """
    films = {
        system: {path.name.removesuffix(_SUFFIX): path for path in folder.glob(f"*{_SUFFIX}")}
        for system, folder in folders.items()
    }
    generator, systems, pairs = np.random.default_rng(seed), sorted(films), []
    for k, a in enumerate(systems):
        for b in systems[k + 1 :]:
            for clip in sorted(films[a].keys() & films[b].keys()):
                left, right = (a, b) if generator.random() < 0.5 else (b, a)
                here, there = (
                    Path(os.path.relpath(films[system][clip], out)).as_posix()
                    for system in (left, right)
                )
                pairs.append(Pair(clip, here, there, left, right))
    if not pairs:
        raise AVFaceError(
            f"No clip has a film ({_SUFFIX}) of two systems.", "Capture it twice with --preview."
        )
    return [pairs[k] for k in generator.permutation(len(pairs))]


def write_page(folders: dict[str, Path], page: Path, seed: int = 0) -> int:
    """Write the page; how many comparisons it asks for. Raises AVFaceError."""
    pairs = pair_films(folders, page.parent, seed)
    # the systems' names travel in a form that nobody reads in passing
    shown = [
        {"clip": p.clip, "left": p.left, "right": p.right,
         "key": [p.left_system[::-1], p.right_system[::-1]]}
        for p in pairs
    ]  # fmt: skip
    content = (
        _PAGE.replace("@QUESTIONS@", _json(QUESTIONS))
        .replace("@PAIRS@", _json(shown))
        .replace("@TITLE@", escape("Which capture is better?"))
    )
    save(page, content)
    return len(pairs)


def _json(value: object) -> str:
    """JSON that can stand in a script element."""
    return json.dumps(value).replace("<", "\\u003c")


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>@TITLE@</title><style>
body { font: 16px sans-serif; max-width: 1500px; margin: 1em auto; background: #222; color: #eee }
.films { display: flex; gap: 1em } .films div { flex: 1; text-align: center }
video { width: 100%; background: #000 } fieldset { border: 0; margin: .6em 0 }
label { margin-right: 1.5em } button { font-size: 1em; padding: .4em 1.2em; margin-right: .6em }
</style></head><body>
<h1>@TITLE@</h1><p id="where"></p>
<div class="films"><div><video id="left" controls loop playsinline></video>A</div>
<div><video id="right" controls loop playsinline muted></video>B</div></div>
<p><button id="play">Play both</button></p>
<form id="form"></form>
<p><button id="back">Back</button><button id="next">Next</button>
<button id="csv">Save CSV</button><button id="json">Save JSON</button></p>
<script>
"use strict";
const questions = @QUESTIONS@, pairs = @PAIRS@, answers = pairs.map(() => ({}));
const choices = [["left", "A"], ["right", "B"], ["same", "no difference"]];
let now = 0;
const get = (id) => document.getElementById(id);
function show() {
  const pair = pairs[now];
  get("where").textContent = `${now + 1} of ${pairs.length}`;
  get("left").src = pair.left; get("right").src = pair.right;
  get("form").replaceChildren(...questions.map(([name, text]) => {
    const set = document.createElement("fieldset");
    set.append(text, document.createElement("br"));
    for (const [value, caption] of choices) {
      const label = document.createElement("label"), input = document.createElement("input");
      Object.assign(input, {type: "radio", name, value, checked: answers[now][name] === value});
      input.onchange = () => { answers[now][name] = value; };
      label.append(input, " " + caption); set.append(label);
    }
    return set;
  }));
}
const name = (text) => [...text].reverse().join("");
function rows() {
  return pairs.flatMap((pair, k) => questions.filter(([q]) => answers[k][q]).map(([q]) => {
    const side = answers[k][q], systems = pair.key.map(name);
    const better = side === "same" ? "" : systems[side === "left" ? 0 : 1];
    const [left, right] = systems;
    return {clip: pair.clip, question: q, left, right, answer: side, better};
  }));
}
function save(text, type, file) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], {type})); link.download = file; link.click();
}
get("play").onclick = () => {
  for (const id of ["left", "right"]) { get(id).currentTime = 0; get(id).play(); }
};
get("back").onclick = () => { now = Math.max(0, now - 1); show(); };
get("next").onclick = () => { now = Math.min(pairs.length - 1, now + 1); show(); };
get("csv").onclick = () => {
  const columns = ["clip", "question", "left", "right", "answer", "better"];
  const quote = (text) => '"' + String(text).replaceAll('"', '""') + '"';
  const lines = rows().map((row) => columns.map((c) => quote(row[c])).join(","));
  save([columns.join(","), ...lines].join("\\n"), "text/csv", "answers.csv");
};
get("json").onclick = () =>
  save(JSON.stringify(rows(), null, 1), "application/json", "answers.json");
show();
</script></body></html>
"""


def named_folders(arguments: list[str]) -> dict[str, Path]:
    """`NAME=FOLDER ...` of a command line. Raises AVFaceError."""
    folders = {}
    for text in arguments:
        name, separator, folder = text.partition("=")
        if not separator or not Path(folder).is_dir():
            raise AVFaceError(f"{text} is not NAME=FOLDER.", "Name a system and its folder.")
        folders[name] = Path(folder)
    return folders
