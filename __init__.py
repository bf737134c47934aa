"""AVFace as a Blender extension; the add-on itself is the package avface_blender."""


def register():
    """Called by Blender when the extension is enabled."""
    from . import avface_blender

    avface_blender.register()


def unregister():
    """Called by Blender when the extension is disabled."""
    from . import avface_blender

    avface_blender.unregister()
