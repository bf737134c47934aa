"""What the artist asks of a capture (`scene.avface`)."""

# Attributes that we add to Blender's types can't be known to the type checker.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportInvalidTypeForm=false

import bpy
from bpy.props import (
    BoolProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    IntVectorProperty,
    PointerProperty,
    StringProperty,
)

from . import watch
from .paths import file_property

TIMINGS = [  # how a take's frames meet the scene's: `take_importer.Timing`
    (
        "set_scene",
        "Set Scene",
        "The scene takes the clip's rate, size and length",
    ),
    (
        "resample",
        "Resample",
        "The scene keeps its rate; keys on its whole frames, no closure of lips or lids is lost",
    ),
    (
        "exact",
        "Keep Times",
        "The scene keeps its rate; keys at the clip's times, between its frames",
    ),
]


def _redraw(settings, context):
    watch.redraw(whole=True)


class AVFACE_CaptureSettings(bpy.types.PropertyGroup):
    """The fields of the engine's CaptureOptions, as an artist sets them."""

    clip: file_property(
        name="Clip",
        description="Video with the face to capture, or a folder of pictures",
    )
    head: file_property(
        name="Head",
        description="A head file of your own, made from FLAME by the engine (head import). Empty:"
        " the head that comes with AVFace",
    )
    start: FloatProperty(
        name="Start",
        subtype="TIME_ABSOLUTE",
        min=0,
        description="Where in the clip the capture begins",
    )
    use_end: BoolProperty(name="Stop Before the End", description="Capture a part of the clip")
    end: FloatProperty(
        name="End",
        subtype="TIME_ABSOLUTE",
        min=0,
        default=10,
        description="Where in the clip the capture stops",
    )
    see_head: BoolProperty(
        name="Head",
        default=True,
        description="Show the head through the clip while landmarks are dragged: it follows at once"
        " (H over the view)",
        update=_redraw,
    )
    use_onion: BoolProperty(
        name="Onion",
        description="Show the landmarks of the frames before (green) and after (violet) too"
        " (O over the view)",
        update=_redraw,
    )
    onion_frames: IntProperty(
        name="Frames",
        default=2,
        min=1,
        max=5,
        description="How many frames before and after",
        update=_redraw,
    )
    timing: EnumProperty(
        name="Frame Rate",
        description="How the clip's frames meet the scene's when a take comes in. Clip and sound"
        " stay in time with each",
        items=TIMINGS,
    )
    use_start_frame: BoolProperty(
        name="Begin at a Frame",
        description="Let the next take begin at this frame, not at the scene's first",
    )
    start_frame: IntProperty(
        name="Start Frame",
        default=1,
        description="Frame of the scene at which the next take begins, with its clip and its sound."
        " In a scene that keeps its rate, takes of one clip on a head lie together",
    )
    use_face: BoolProperty(
        name="Choose the Face",
        description="Capture another face than the largest and most central one",
    )
    face: IntProperty(
        name="Face",
        min=1,
        default=1,
        description="Which of several faces: 1 is the largest and most central one",
    )
    use_region: BoolProperty(
        name="Look in a Region", description="Look for the face in a part of the picture only"
    )
    region: IntVectorProperty(
        name="Region",
        size=4,
        min=0,
        default=(0, 0, 640, 480),
        description="Left edge, upper edge, width and height, pixels of the clip",
    )
    look_at: FloatProperty(
        name="Look At",
        subtype="TIME_ABSOLUTE",
        min=0,
        description="Time of the picture in which faces are looked for",
    )
    actor: StringProperty(
        name="Actor", default="actor", description="The person's name; actions are named after it"
    )
    consent: StringProperty(
        name="Consent",
        description="The actor's consent, in your words: kept with the take and its exports",
    )
    same_person: BoolProperty(
        name="Same Person",
        default=True,
        description="Keep the shape that the selected head has from its take: one person looks the"
        " same in every clip. It takes effect where an AVFace head with a take is selected",
    )
    detail: EnumProperty(
        name="Wrinkles",
        description="Fine detail of the skin, as normal maps",
        default="standard",
        items=[
            ("off", "Off", "No normal maps"),
            ("fast", "Fast", "Small maps, quickly made"),
            ("standard", "Standard", "For most uses"),
            ("fine", "Fine", "Larger maps of faces that fill the picture; of others as Standard"),
        ],
    )
    skin: EnumProperty(
        name="Skin",
        description="Where the colours of the skin come from",
        default="auto",
        items=[
            ("auto", "Automatic", "The person's own skin as far as the clip shows it"),
            ("model", "Head's Model", "The head's own skin, in the person's colours"),
            ("clip", "Clip", "The person's own skin, even where the clip's face is small or noisy"),
        ],
    )
    use_hair: BoolProperty(
        name="Hair",
        description="Grow strands on the head, as high and as long as the clip's hair",
        default=True,
    )
    smoothing: FloatProperty(
        name="Smoothing",
        min=0.1,
        max=10,
        soft_min=0.5,
        soft_max=2,
        default=1,
        description="How much jitter is taken out of the motion",
    )
    method: EnumProperty(
        name="Method",
        description="How the performance is found",
        default="avface",
        items=[
            (
                "avface",
                "AVFace",
                "The fit, led by AVFace's networks where the mouth is covered",
            ),
            ("fit", "Fit", "The head fitted to landmarks and to the sound alone"),
            ("spectre", "SPECTRE", "After the fit the mouth moves by SPECTRE's losses"),
        ],
    )
    quality: EnumProperty(
        name="Quality",
        description="How much work goes into the motion",
        default="standard",
        items=[
            ("draft", "Draft", "Networks alone, in a moment"),
            ("standard", "Standard", "For most uses"),
            ("high", "High", "Also adapted to the skin's colours; takes several times longer"),
        ],
    )
    lip_reader: file_property(
        name="Lip Reader",
        description="A lip-reading network of yours (TorchScript or ONNX) for SPECTRE;"
        " empty: AVFace's small one; the word none: lips aren't read",
    )
    emotion_network: file_property(
        name="Emotions",
        description="An emotion network of yours (TorchScript or ONNX) for SPECTRE;"
        " may be left out",
    )
    senses: EnumProperty(
        name="Mouth By",
        description="What moves the mouth; pose, eyes and brows always go by the picture",
        default="both",
        items=[
            ("both", "Picture and Sound", "Each as far as it can be trusted"),
            ("picture", "Picture", "The sound is not listened to"),
            ("sound", "Sound", "What is seen of the mouth doesn't count"),
        ],
    )
    trust: StringProperty(
        name="Trust",
        description="Whom to trust when, in seconds of the clip: sound:3.2-4.0,picture:6-7.5",
    )
    fix_sync: BoolProperty(
        name="Fix Sync", description="Move the sound to where the lips say it belongs"
    )
    refine_lips: BoolProperty(
        name="Refine Lips", default=True, description="Shape the lips by what is heard"
    )
    use_focal: BoolProperty(
        name="Known Focal Length", description="Give the focal length of the camera"
    )
    focal: FloatProperty(
        name="Focal Length",
        min=1,
        default=1500,
        subtype="PIXEL",
        description="Focal length in pixels of the clip: millimetres / sensor width * its width",
    )
    use_fps: BoolProperty(name="Set the Rate", description="Give the rate of a picture sequence")
    fps: FloatProperty(
        name="Rate", min=1, default=24, description="Pictures per second of a picture sequence"
    )


CLASSES = (AVFACE_CaptureSettings,)


def register() -> None:
    """On the scene: what is asked for is kept with the file."""
    bpy.types.Scene.avface = PointerProperty(type=AVFACE_CaptureSettings)


def unregister() -> None:
    """Take it away again."""
    del bpy.types.Scene.avface
