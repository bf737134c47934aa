"""Wrinkles: normal maps at the skin's shader, still ones or a sequence that moves.

Wrinkles that move are key pictures, tens of milliseconds apart. Two image nodes show the key before
and the key after the current frame, and a mix node blends them; which picture each shows is
animated by its frame offset, so that any numbers in the pictures' names will do. Their alpha is the
light that the cavities of folds leave.
"""

import re
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from .keyframes import make_action, play
from .take_pictures import Pictures

_BEFORE, _AFTER, _BLEND = "Wrinkles before", "Wrinkles after", "Wrinkle blend"
_CAVITY_BLEND = "Cavity blend"


def wrinkles(tree: Any, take: str, pictures: Pictures) -> tuple[Any | None, Any | None]:
    """The sockets that give tangent-space normals and the light left in cavities; None without."""
    if pictures.dynamic_normals and pictures.dynamic_frames is not None:
        return _moving_normals(tree, take, pictures.dynamic_normals, pictures.dynamic_frames)
    if pictures.static_normals is not None:
        image = _load(pictures.static_normals)
        image.pack()
        node = image_node(tree, "Normals", image, (-550, -250))
        return node.outputs[0], None
    return None, None


def _moving_normals(
    tree: Any, take: str, keys: tuple[Path, ...], key_frames: np.ndarray
) -> tuple[Any, Any]:
    """Two image nodes and a blend, animated so that they pass through the key pictures."""
    before = image_node(tree, _BEFORE, _load(keys[0]), (-850, -150))
    after = image_node(tree, _AFTER, _load(keys[0]), (-850, -450))
    for node in (before, after):
        node.image.source = "SEQUENCE"
        node.image_user.frame_duration = 1
        node.image_user.use_auto_refresh = True
    blend, cavities = (tree.nodes.new("ShaderNodeMix") for _ in range(2))
    for node, title, kind, output, height in (
        (blend, _BLEND, "Color", 0, -250), (cavities, _CAVITY_BLEND, "Float", 1, 0)
    ):  # fmt: skip
        node.name, node.data_type = title, {"Color": "RGBA", "Float": "FLOAT"}[kind]
        node.location = (-550, height)
        tree.links.new(before.outputs[output], socket_of(node.inputs, f"A_{kind}"))
        tree.links.new(after.outputs[output], socket_of(node.inputs, f"B_{kind}"))

    frames = np.arange(np.floor(key_frames[0]), np.ceil(key_frames[-1]) + 1)
    lower, fraction = _between_keys(key_frames, frames)
    numbers = np.array([_picture_number(key) for key in keys])
    # With a duration of one frame, Blender shows the picture whose number is 1 + offset.
    upper = np.minimum(lower + 1, len(keys) - 1)
    factor = [socket.identifier for socket in blend.inputs].index("Factor_Float")
    curves = {
        (f'nodes["{_BEFORE}"].image_user.frame_offset', 0): numbers[lower] - 1,
        (f'nodes["{_AFTER}"].image_user.frame_offset', 0): numbers[upper] - 1,
        (f'nodes["{_BLEND}"].inputs[{factor}].default_value', 0): fraction,
        (f'nodes["{_CAVITY_BLEND}"].inputs[{factor}].default_value', 0): fraction,
    }
    stepped = frozenset(path for path, _ in curves)
    play(tree, make_action(tree, f"{take} wrinkles", frames, curves, stepped=stepped, take=take))
    return socket_of(blend.outputs, "Result_Color"), socket_of(cavities.outputs, "Result_Float")


def _between_keys(key_frames: np.ndarray, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The key before each frame and how far it is to the next: (K,), (N,) -> (N,), (N,)."""
    lower = np.clip(np.searchsorted(key_frames, frames, side="right") - 1, 0, len(key_frames) - 1)
    upper = np.minimum(lower + 1, len(key_frames) - 1)
    span = np.maximum(key_frames[upper] - key_frames[lower], 1e-6)
    return lower, np.clip((frames - key_frames[lower]) / span, 0, 1)


def _picture_number(path: Path) -> int:
    """The number at the end of a picture's name, by which Blender finds it."""
    match = re.search(r"(\d+)$", path.stem)
    assert match, f"{path.name} has no number"
    return int(match[1])


def _load(path: Path) -> Any:
    """A normal map for one node alone: EEVEE keeps one texture per image, whatever the frame."""
    image: Any = bpy.data.images.load(str(path))
    image.colorspace_settings.name = "Non-Color"
    image.alpha_mode = "CHANNEL_PACKED"  # the light that cavities leave: no transparency
    return image


def image_node(tree: Any, name: str, image: Any, place: tuple[int, int]) -> Any:
    """A node that shows an image."""
    node: Any = tree.nodes.new("ShaderNodeTexImage")
    node.name = node.label = name
    node.location = place
    node.image = image
    return node


def socket_of(sockets: Any, identifier: str) -> Any:
    """The socket that Blender knows by this name in any language."""
    return next(socket for socket in sockets if socket.identifier == identifier)
