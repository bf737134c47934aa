"""The add-on: everything the artist sees. `registration` makes it known to Blender.

No imports here: engine_client, install and timeline must load where there is no Blender.
"""
