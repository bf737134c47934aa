"""The recipes' commands are ones that the command line knows."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("size", ["--small", "--full"])
def test_every_stage_has_its_command(size, tmp_path):
    recipe = ROOT / "scripts" / "recipes" / "train_avface.py"
    line = [
        sys.executable,
        recipe,
        tmp_path,
        size,
        "--videos",
        tmp_path,
        "--minutes",
        "9",
        "--print",
    ]
    done = subprocess.run([str(part) for part in line], capture_output=True, text=True, check=True)
    commands = [shlex.split(text) for text in done.stdout.splitlines()]
    stages = [command[command.index("train") + 1] for command in commands]
    assert stages == [
        "prepare",
        "coarse",
        "expression",
        "occluded",
        "lip_refinement",
        "fine",
        "spectre",
    ]
    given = {flag for command in commands for flag in command if flag.startswith("--")}
    assert {"--folder", "--steps", "--pause-after", "--videos"} <= given


def test_flags_of_the_recipe_are_flags_of_the_stages(tmp_path):
    import argparse
    import importlib.util
    from dataclasses import fields

    from torch.distributed.run import get_args_parser

    from engine.training.coarse import CoarseOptions
    from engine.training.fine import FineOptions
    from engine.training.lip_refinement import LipRefinementOptions
    from engine.training.loop import LoopOptions
    from engine.training.spectre import SpectreOptions

    path = ROOT / "scripts" / "recipes" / "train_avface.py"
    spec = importlib.util.spec_from_file_location("train_avface", path)
    recipe = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(recipe)
    found = argparse.Namespace(folder=tmp_path, full=True, gpus=2, videos=None, minutes=None)
    kinds = {"fine": FineOptions, "lip_refinement": LipRefinementOptions, "spectre": SpectreOptions}
    for stage, line in recipe.commands(found).items():
        known = {f.name for f in fields(kinds.get(stage, CoarseOptions))}
        known |= {f.name for f in fields(LoopOptions)}
        own = line[line.index(stage) :]
        assert {flag[2:].replace("-", "_") for flag in own if flag.startswith("--")} <= known
        shared = get_args_parser().parse_args(line[line.index("--standalone") :])
        assert shared.training_script_args == line[line.index("engine") + 1 :]  # none is torchrun's
