"""AVFace as a Blender extension; the add-on itself is the package avface_blender."""


def register():
    from . import avface_blender

    avface_blender.register()


def unregister():
    from . import avface_blender

    avface_blender.unregister()
