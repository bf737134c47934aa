import bpy

settings = bpy.context.scene.avface  # type: ignore

settings.quality = "draft"
settings.detail = "off"
settings.skin = "model"
settings.use_hair = True
settings.method = "avface"
settings.smoothing = 1.0
settings.senses = "both"
settings.fix_sync = False
settings.refine_lips = False
