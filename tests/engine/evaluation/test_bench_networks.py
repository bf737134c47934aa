"""The table of the networks' speed has a line for each size."""

from dataclasses import replace

from engine.evaluation import bench_networks
from engine.models.config import LITE

TINY = replace(LITE, crop=48, backbone_width=0.25, coarse_hidden=16, uv=64, fine_width=8)


def test_every_size_is_timed(monkeypatch):
    monkeypatch.setattr(bench_networks, "_SECONDS", 0.4)
    monkeypatch.setattr(bench_networks, "LITE", TINY)
    monkeypatch.setattr(bench_networks, "PUBLISHED", TINY)
    _, _, *rows = bench_networks.bench_networks().splitlines()
    names = [row[:24].strip() for row in rows]
    assert names == [
        "faces",
        "shipped",
        "small",
        "full (as published)",
        "fine, small",
        "fine, full",
    ]
    assert all(float(row[24:34]) > 0 for row in rows)
