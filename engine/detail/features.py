"""Hair, brows, lips, lids and eyes as the clip shows them, on the head's texture."""

import numpy as np

from ..head.albedo import load_albedo
from ..weights import FOLDER
from .appearance import Face
from .brows import paint_brows
from .complexion import person_texture
from .hair_colour import paint_hair
from .hairline import paint_hairline
from .irises import paint_irises
from .lids import paint_lids
from .lips import paint_lips
from .mouth import paint_mouth
from .paint import Painter, own_hues, read_colours
from .painted_fringe import paint_fringe
from .whites import paint_whites

_PAINTERS: tuple[Painter, ...] = (paint_brows, paint_lips, paint_lids)


def paint_features(texture: np.ndarray, face: Face | None) -> np.ndarray:
    """A person's texture (n, n, 3) uint8 sRGB with their own hair, brows, lips, lids and eyes.

    The same where the clip shows too little of the face.
    """
    if face is None:
        return texture
    head = face.canvas.head
    if face.hair_colour is not None and head.file.albedo_file:
        albedo = load_albedo(FOLDER / head.file.albedo_file)
        texture = paint_hair(texture, face.hair_colour, face.grey, albedo)
    if face.hairline is not None:
        bare = person_texture(head, face.albedo, len(texture), shaven=True)
        texture = paint_hairline(texture, bare, face.hairline, head)
        if face.hair_falls is not None:
            falls = face.hair_falls, face.hairline
            texture = paint_fringe(texture, *falls, head, face.canvas.rest[0])
    sheet = face.canvas.sheet
    own = own_hues(face.own, read_colours(texture, sheet), face.grey)
    for paint in _PAINTERS:
        texture = paint(texture, own, face.known, sheet)
    if face.irises is not None:
        texture = paint_irises(texture, face.irises, face.grey, head)
    if face.eye_whites is not None:
        texture = paint_whites(texture, face.eye_whites, head)
    if face.mouth:
        texture = paint_mouth(texture, face.mouth, head)
    return texture
