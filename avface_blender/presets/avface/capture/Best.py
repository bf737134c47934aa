import bpy

settings = bpy.context.scene.avface  # type: ignore

settings.quality = "high"
settings.detail = "fine"
settings.skin = "auto"
settings.use_hair = True
settings.method = "avface"
settings.smoothing = 1.0
settings.senses = "both"
settings.fix_sync = True
settings.refine_lips = True
