"""AVFace as a Blender extension; the add-on itself is the package avface_blender."""


def register():
    """Called by Blender when the extension is enabled."""
    from .avface_blender import registration

    registration.register()


def unregister():
    """Called by Blender when the extension is disabled."""
    from .avface_blender import registration

    registration.unregister()
