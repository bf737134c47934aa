"""AVFace's coarse stage on a clip: pictures and sound in, a head's parameters out.

Every picture passes the picture networks once. Only what they say of it (183 and 64 numbers) goes
through the transformers in windows of 16 frames with a step of 1, so that memory grows with the
result alone, never with the pictures. A frame's code is the mean of what all its windows say of it.

The shared trunk's networks take no pictures but what `engine.sight` reads from them; what they say
of the mouth can be asked of the sound or of the picture alone.

Choices that the paper leaves open: where the face was not found, E_c's embedding is led over from
the neighbours and the picture is missing to the expression branch, so that the sound leads; shape,
albedo and light are the clip's means.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ..audio.features import SpeechFeatures
from ..audio.windows import windows
from ..device import compute_device
from ..exchange.protocol import AVFaceError
from ..faces.crops import place_in_clip
from ..geometry import focal_px
from ..head.landmarks import middle_of_face
from ..head.model import FaceParams, Head
from ..models.coarse import CoarseEncoder
from ..models.config import Config
from ..models.expression import ExpressionEncoder
from ..progress import Report
from .crops import crop_batches, face_boxes
from .windows import over_time

if TYPE_CHECKING:
    from ..faces import FaceTrack
    from ..media import Clip

_SOUND_BATCH = 64  # frames
_MOUTH = ("mouth", "lips", "tongue", "cheek")  # units that sound can say


@dataclass(frozen=True)
class CoarseModels:
    """The networks of the coarse stage, and what they were trained for."""

    config: Config
    coarse: CoarseEncoder
    expression: ExpressionEncoder
    sound: str = "phones"  # kind of speech features
    head: str = ""  # sha256 of the head file whose parameters they give; empty: any

    @property
    def on_landmarks(self) -> bool:
        """Whether they stand on the shared trunk."""
        return self.config.video_backbone == "landmarks"

    def speak_of(self, head: Head) -> bool:
        """Whether what they give are parameters of `head`."""
        return self.head in ("", head.file.sha256)

    @property
    def device(self) -> torch.device:
        """Where they are."""
        return next(self.coarse.parameters()).device


@dataclass(frozen=True)
class Sounding:
    """What is said in a clip, and where it counts."""

    features: SpeechFeatures
    offset_seconds: float = 0.0  # features at `times + offset` belong to the pictures at `times`
    forced: np.ndarray | None = None  # (T,) 1 the mouth by sound, 0 by the picture, NaN by both


def unpack_models(tensors: dict[str, Tensor], metadata: dict[str, str]) -> CoarseModels:
    """The networks of a weights file: tensors `coarse.*` and `expression.*`, the config beside."""
    config = Config.from_json(metadata["config"])
    networks = CoarseEncoder(config), ExpressionEncoder(config)
    for network, name in zip(networks, ("coarse.", "expression."), strict=True):
        own = {k.removeprefix(name): v for k, v in tensors.items() if k.startswith(name)}
        network.load_state_dict(own)
        network.eval().requires_grad_(False).to(compute_device())
    return CoarseModels(
        config, *networks, metadata.get("sound", "phones"), metadata.get("head", "")
    )


def estimate_coarse(
    clip: "Clip",
    track: "FaceTrack",
    sound: Sounding | None,
    models: CoarseModels,
    head: Head,
    report: Report | None = None,
    focal: float | None = None,
) -> FaceParams:
    """The parameters of a clip by AVFace's coarse networks alone.

    Args:
        clip: Its pictures.
        track: Where the face is.
        sound: What is said, on the clip's clock; None for a clip without sound.
        models: The networks.
        head: The head whose parameters they give.
        report: Progress.
        focal: px; None is twice the picture's longer side.

    Raises:
        AVFaceError: The networks speak of another head, or hear another kind of features.
    """
    _check(models, head, sound.features if sound else None)
    report = report or Report()
    boxes = face_boxes(track)
    f_a = _hear(sound, track.times, models)
    looked = _look_at_landmarks if models.on_landmarks else _look
    embedded, f_v, read = looked(clip, track, boxes, models, report, focal)
    seen = track.seen & read
    f_v[torch.from_numpy(~seen)] = 0
    codes = np.concatenate([
        over_time(models.coarse.over_time, (_bridged(embedded, seen),), track, models.config),
        _fuse(f_a, f_v, sound, track, models, head),
    ], 1)  # fmt: skip
    report(1.0)
    return codes_to_params(codes, boxes, track, models.config, head, focal)


def codes_to_params(
    codes: np.ndarray,
    boxes: np.ndarray,
    track: "FaceTrack",
    config: Config,
    head: Head,
    focal: float | None = None,
) -> FaceParams:
    """Codes c and e side by side (T, 183 + 53) as a head's parameters in the clip's camera."""
    focal = focal_px(focal, track.size)
    c, e = codes[:, : config.coarse_code], codes[:, config.coarse_code :]
    own, moving = config.coarse_parts(), config.expression_parts()
    believed = track.seen * (0.05 + np.nan_to_num(track.confidence).min(1))
    person = np.average(c, axis=0, weights=believed)
    shape, file = person[own["shape"]], head.file
    middle = middle_of_face(file, head.rest(shape)[0])
    pose, translation = place_in_clip(
        c[:, own["pose"]], c[:, own["camera"]], boxes, middle, focal, track.size
    )
    eyes = np.zeros((len(c), 6))
    if config.gaze:
        eyes[:, [0, 1, 3, 4]] = e[:, moving["gaze"]]
    return FaceParams(
        shape=shape,
        albedo=person[own["albedo"]],
        expression=np.clip(e[:, moving["expression"]], file.expression_low, file.expression_high),
        head_pose=pose,
        head_translation=translation,
        jaw=e[:, moving["jaw"]],
        eyes=eyes,
        focal=focal,
        light=person[own["light"]].reshape(9, 3),
    )


def _check(models: CoarseModels, head: Head, features: SpeechFeatures | None) -> None:
    if not models.speak_of(head):
        raise AVFaceError(
            f"AVFace's networks were trained for another head than {head.file.name}.",
            "Use --quality standard, or capture with the default head and transfer the take.",
        )
    if features is not None and features.kind != models.sound:
        raise AVFaceError(
            f"AVFace's networks hear {models.sound}, not {features.kind}.",
            f"Choose the speech features {models.sound}.",
        )


def _fuse(
    f_a: Tensor,
    f_v: Tensor,
    sound: Sounding | None,
    track: "FaceTrack",
    models: CoarseModels,
    head: Head,
) -> np.ndarray:
    """e of each frame (T, 57); the mouth by one sense alone where that is forced."""
    network, config = models.expression.fuse, models.config
    e = over_time(network, (f_a, f_v), track, config)
    if sound is None or sound.forced is None:
        return e
    mouth = np.array([name.startswith(_MOUTH) for name in head.file.expression_names])
    rows = np.flatnonzero(np.concatenate([mouth, np.ones(config.jaw), np.zeros(config.gaze)]))
    for value, inputs in ((1, (f_a, torch.zeros_like(f_v))), (0, (torch.zeros_like(f_a), f_v))):
        frames = np.flatnonzero(sound.forced == value)
        if len(frames):
            alone = over_time(network, inputs, track, config)
            e[np.ix_(frames, rows)] = alone[np.ix_(frames, rows)]
    return e


def _hear(sound: Sounding | None, times: np.ndarray, models: CoarseModels) -> Tensor:
    """f_a of each frame (T, 64); zeros without sound."""
    if sound is None:
        return torch.zeros(len(times), models.config.audio_embedding, device=models.device)
    heard = torch.from_numpy(windows(sound.features, times + sound.offset_seconds))
    heard = heard.float().to(models.device)
    with torch.inference_mode():
        return torch.cat([models.expression.audio(part) for part in heard.split(_SOUND_BATCH)])


def _look_at_landmarks(
    clip: "Clip",
    track: "FaceTrack",
    boxes: np.ndarray,
    models: CoarseModels,
    report: Report,
    focal: float | None,
) -> tuple[Tensor, Tensor, np.ndarray]:
    """`_look` by way of the shared trunk."""
    from ..sight.features import read_sight

    focal = focal_px(focal, track.size)
    sight, read = read_sight(clip, track, boxes, focal, report.part("look", 0, 0.95))
    seen = torch.from_numpy(sight).to(models.device)
    with torch.no_grad():
        return models.coarse.embed(seen), models.expression.video(seen), read


def _look(
    clip: "Clip",
    track: "FaceTrack",
    boxes: np.ndarray,
    models: CoarseModels,
    report: Report,
    focal: float | None,
) -> tuple[Tensor, Tensor, np.ndarray]:
    """Each picture once through both picture networks: (T, 183), (T, 64), which were read (T,)."""
    count = len(boxes)
    embedded = torch.zeros(count, models.config.coarse_code, device=models.device)
    f_v = torch.zeros(count, models.config.video_embedding, device=models.device)
    read = np.zeros(count, bool)
    with torch.inference_mode():
        for frames, crops in crop_batches(clip, boxes, models.config.crop):
            shown = crops.to(models.device)
            embedded[frames] = models.coarse.embed(shown)
            f_v[frames] = models.expression.video(shown)
            read[frames] = True
            report(0.95 * (int(frames[-1]) + 1) / count)
    return embedded, f_v, read


def _bridged(values: Tensor, known: np.ndarray) -> Tensor:
    """Values (T, C), linear between the known frames and held before and after them."""
    if known.all() or not known.any():
        return values
    every, places = np.arange(len(known)), np.flatnonzero(known)
    columns = values[torch.from_numpy(known)].cpu().numpy().T
    led = np.stack([np.interp(every, places, column) for column in columns], 1)
    return torch.from_numpy(led.astype(np.float32)).to(values.device)
