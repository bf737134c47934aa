"""Windows: what is stored comes back, hands cover, batches follow from (seed, step)."""

import numpy as np
import pytest
import torch

from engine.audio.windows import WINDOW
from engine.exchange.protocol import AVFaceError
from engine.training import occlusions, performances
from engine.training.data import (
    FolderSource,
    MixedSource,
    Prepared,
    collate,
    window_batch,
)
from engine.training.people.transfer import transfer_colours
from engine.training.process import on_device

cv2 = pytest.importorskip("cv2")


def write_clip(folder, name: str, frames: int = 40, fps: float = 25.0) -> Prepared:
    """A clip whose pictures are grey: three times the frame's number."""
    generator = np.random.default_rng(0)
    pieces = [
        cv2.imencode(".jpg", np.full((32, 32, 3), 3 * t, np.uint8))[1].tobytes()
        for t in range(frames)
    ]
    clip = Prepared(
        times=np.arange(frames) / fps,
        landmarks=generator.uniform(-0.5, 0.5, (frames, 68, 2)).astype(np.float32),
        belief=np.ones((frames, 68), np.float32),
        boxes=np.zeros((frames, 3), np.float32),
        sound=generator.normal(size=(frames, WINDOW, 29)).astype(np.float16),
        offsets=np.concatenate([[0], np.cumsum([len(p) for p in pieces])]),
        runs=np.array([[0, frames // 2], [frames // 2, frames]]),
    )
    clip.save(folder, name, b"".join(pieces))
    return clip


def test_a_prepared_clip_comes_back(tmp_path):
    clip = write_clip(tmp_path, "one")
    source = FolderSource(tmp_path, 24, "all", 8)
    window = source.window("one", 5, 8)
    assert np.allclose(window["pictures"][:, 12, 12, 0], 3 * np.arange(5, 13), atol=1)
    assert np.array_equal(window["landmarks"], clip.landmarks[5:13])
    assert window["sound"].dtype == np.float32 and not window["covered"].any()
    assert not list(tmp_path.glob("*.tmp"))


def test_windows_do_not_cross_cuts_and_last_as_long_at_any_rate(tmp_path):
    write_clip(tmp_path, "fast", frames=80, fps=50.0)
    source = FolderSource(tmp_path, 24, "all", 8)
    assert source.stride("fast") == 2
    generator = np.random.default_rng(0)
    for _ in range(40):
        frames = np.round(source.draw(generator, 8)["pictures"][:, 12, 12, 0] / 3)
        assert np.allclose(np.diff(frames), 2)
        assert frames.max() < 40 or frames.min() >= 40  # the cut


def test_a_folder_without_long_stretches_says_so(tmp_path):
    with pytest.raises(AVFaceError, match="prepared"):
        FolderSource(tmp_path, 24, "train", 8)
    write_clip(tmp_path, "short")
    with pytest.raises(AVFaceError, match="for 30 frames"):
        FolderSource(tmp_path, 24, "all", 30).draw(np.random.default_rng(0), 30)


def test_parts_are_apart_whatever_else_is_in_the_folder(tmp_path):
    for k in range(30):
        write_clip(tmp_path, f"clip{k}", frames=4)
    parts = [set(FolderSource(tmp_path, 24, part, 2).names) for part in ("train", "test")]
    assert parts[0] and parts[1] and not parts[0] & parts[1]
    (tmp_path / "clip0.npz").unlink()
    assert set(FolderSource(tmp_path, 24, "test", 2).names) == parts[1] - {"clip0"}


def test_a_batch_follows_from_seed_and_step(performers):
    _, second = (window_batch(performers, 3, step, 2, 4) for step in range(2))
    again = window_batch(performers, 3, 1, 2, 4)
    assert torch.equal(second.pictures, again.pictures)
    other = window_batch(performers, 4, 1, 2, 4)
    assert not torch.equal(second.pictures, other.pictures)
    assert second.pictures.shape == (2, 4, 3, 48, 48) and second.pictures.min() >= 0
    assert second.truth is not None and second.truth.expression.shape == (2, 4, 50)
    assert on_device(second, torch.device("cpu")).truth.pose.shape == (2, 4, 3)


def test_real_windows_have_no_truth(performers, tmp_path):
    write_clip(tmp_path, "one")
    real = FolderSource(tmp_path, 48, "all", 4)
    generator = np.random.default_rng(0)
    assert collate([real.draw(generator, 4), performers.draw(generator, 4)]).truth is None
    mixed = MixedSource([(real, 0.5), (performers, 0.5)])
    chosen = [mixed.choose(0, step) for step in range(30)]
    assert {id(s) for s in chosen} == {id(real), id(performers)}
    assert chosen == [mixed.choose(0, step) for step in range(30)]


def test_performers_sounds_and_lips_belong_together(performers):
    sample = performers.samples[0]
    assert sample["sound"].shape == (6, WINDOW, 29)
    total = np.exp(sample["sound"]).sum(-1)  # logarithms are mixed between steps: never above 1
    assert total.max() < 1.01 and np.median(total) > 0.9
    assert np.abs(sample["landmarks"]).max() < 1.5


def test_simulated_features_name_the_phone_that_is_spoken():
    from engine.models.phone_classes import CLASS_OF

    generator = np.random.default_rng(0)
    phones = performances.babble(generator, 40.0)
    features = performances.simulate_features(phones, generator)
    right = 0
    for name, start, end in phones:
        step = int(((start + end) / 2 - 0.0125) * 50 + 0.5)
        if step < len(features.values):
            right += features.values[step].argmax() == CLASS_OF[name]
    assert right > 0.75 * len(phones)


def test_a_hand_covers_what_it_says_and_nothing_else(performers):
    sample = performers.samples[0]
    covered = occlusions.cover_with_hand(sample, np.random.default_rng(4))
    changed = (covered["pictures"] != sample["pictures"]).any(-1)
    assert 0.02 < changed.mean() < 0.8
    assert np.array_equal(covered["landmarks"], sample["landmarks"])
    newly = (covered["covered"] > sample["covered"]).sum()
    assert newly > 5
    assert (sample["pictures"] == performers.samples[0]["pictures"]).all()  # a copy
    moves = changed[1:] != changed[:-1]
    assert moves.any()  # it moves


def test_a_hand_takes_the_colours_of_the_face():
    """Sliced optimal transport: means and spreads become the given set's."""
    generator = np.random.default_rng(0)
    tones = np.repeat(generator.uniform(0, 255, (3000, 1)), 3, 1)
    skin = generator.normal((180, 120, 90), (20, 15, 10), (2000, 3))
    moved = transfer_colours(tones, skin.astype(np.float32), generator)
    assert np.allclose(moved.mean(0), skin.mean(0), atol=8)
    assert np.allclose(moved.std(0), skin.std(0), atol=8)
