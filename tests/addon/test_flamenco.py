"""The Flamenco job type, compiled against a small fake of Flamenco Manager's `author` API."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "avface_blender" / "flamenco" / "avface_capture.js"
KINDS = {"string": str, "int32": int, "float": float, "bool": bool}  # of Flamenco's settings
SUBTYPES = {"file_path", "dir_path", "file_name", "hashed_file_path"}
TASK_TYPES = {"blender", "ffmpeg", "file-management", "misc"}  # that its workers know

FAKE_MANAGER = """
const fs = require("fs"), vm = require("vm");
class Task {
    constructor(name, type) { Object.assign(this, {name, type, commands: [], after: []}); }
    addCommand(command) { this.commands.push(command); }
    addDependency(task) { this.after.push(task.name); }
}
const author = {
    Task: (name, type) => new Task(name, type),
    Command: (name, parameters) => ({name, parameters}),
};
const tasks = [];
const job = {name: "job", settings: JSON.parse(process.argv[2]), addTask: t => tasks.push(t)};
const world = vm.createContext({author, job, print: () => {}});
vm.runInContext(fs.readFileSync(process.argv[1], "utf-8") +
    "\\n;compileJob(job); this.TYPE = JOB_TYPE;", world);
console.log(JSON.stringify({type: world.TYPE, tasks}));
"""


def compile_job(**settings) -> dict:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    given = {
        "clips": "/show/my clips", "results": "/show/täkes", "parts": 3, "captures_at_a_time": 2,
        "wrinkles": "fast", "exports": "blend, fbx", "consent": "", **settings,
    }  # fmt: skip
    done = subprocess.run(
        [node, "-e", FAKE_MANAGER, str(SCRIPT), json.dumps(given)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_clips_are_shared_between_tasks_and_the_report_comes_last():
    tasks = compile_job()["tasks"]
    assert [task["name"] for task in tasks] == [
        "capture-1-of-3", "capture-2-of-3", "capture-3-of-3", "report",
    ]  # fmt: skip
    assert tasks[-1]["after"] == [task["name"] for task in tasks[:-1]]
    assert {task["type"] for task in tasks} <= TASK_TYPES
    command = tasks[1]["commands"][0]
    assert (command["name"], command["parameters"]["exe"]) == ("exec", "{blender}")
    assert command["parameters"]["args"] == [
        "--command", "avface", "--batch", "/show/my clips", "--out", "/show/täkes",
        "--part", "2/3", "--workers", "2", "--detail=fast", "--export", "blend", "fbx",
    ]  # fmt: skip


def test_the_settings_are_ones_that_flamenco_knows():
    settings = compile_job()["type"]["settings"]
    for item in settings:
        assert item["key"].isidentifier()
        assert item.get("subtype", "file_path") in SUBTYPES
        if "default" in item:
            assert isinstance(item["default"], KINDS[item["type"]])
        if "choices" in item:
            assert item["default"] in item["choices"]


def test_nonsense_is_made_sensible_and_texts_stay_whole():
    tasks = compile_job(parts=0, exports="", consent="--yes; rm -rf")["tasks"]
    arguments = tasks[0]["commands"][0]["parameters"]["args"]
    assert "1/1" in arguments
    assert "--consent=--yes; rm -rf" in arguments
    assert "--export" not in arguments


def test_every_word_is_one_that_the_add_on_reads():
    """What the job type says to `blender --command avface`, its parser has."""
    options = (SCRIPT.parents[1] / "batch_options.py").read_text(encoding="utf-8")
    tasks = compile_job(consent="yes")["tasks"]
    for task in tasks:
        for word in task["commands"][0]["parameters"]["args"]:
            name = word.split("=")[0]
            if name.startswith("--") and name != "--command":
                known = f'"{name}"' in options or f'"{name[2:]}"' in options
                assert known, name
