"""Nodes of the skin alone: pores, a film of oil."""

from typing import Any

from .head_builder import GLOSS_ATTRIBUTE

_PLACE = "rest_position"  # Blender's own, in m: the sheet is stretched at the neck
PORES, _PORES_PER_METRE, _PORE_MM = "Pores", 1000.0, 0.3  # side by side; deep at a strength of 1
_OIL, _OIL_ROUGHNESS = 0.4, 0.32  # a second, sharper lobe: how strong at full gloss, how rough
_UNEVEN, _SPOTS_PER_METRE = (0.45, 1.55), 700.0  # of the oil, from spot to spot: no glaze
SHINE = "Gloss"
_HAIR_GLOSS = 5.0  # times the gloss map: full on all skin, none on the scalp's hair


def add_pores(tree: Any) -> None:
    """Pits finer than any clip shows, as bump by the material's displacement.

    Exporters follow the normal map alone: what stood between it and the shader would hide it.
    """
    places, cells, depth, bump = (
        tree.nodes.new(f"ShaderNode{kind}")
        for kind in ("Attribute", "TexVoronoi", "Math", "Displacement")
    )
    for column, node in enumerate((places, cells, depth, bump)):
        node.location = (-850 + 250 * column, -750)
    places.attribute_name = _PLACE
    cells.inputs["Scale"].default_value = _PORES_PER_METRE
    depth.name = depth.label = PORES
    depth.operation = "MULTIPLY"
    depth.inputs[1].default_value = 0.3
    bump.inputs["Midlevel"].default_value = 0.0
    bump.inputs["Scale"].default_value = _PORE_MM * 1e-3
    output = next(n for n in tree.nodes if n.bl_idname == "ShaderNodeOutputMaterial")
    tree.links.new(places.outputs["Vector"], cells.inputs["Vector"])
    tree.links.new(cells.outputs["Distance"], depth.inputs[0])
    tree.links.new(depth.outputs[0], bump.inputs["Height"])
    tree.links.new(bump.outputs["Displacement"], output.inputs["Displacement"])


def add_gloss(tree: Any, shader: Any) -> None:
    """A film of oil over the skin, by the head's own map of gloss: uneven, most on the nose.

    As the coat: what exporters read of roughness and specular stays plain numbers (`plain_colour`).
    Hair on the scalp mirrors nothing: between strands it would shine at grazing angles.
    """
    gloss, places, spots, uneven, oil, dull, shine = (
        tree.nodes.new(f"ShaderNode{kind}")
        for kind in ("Attribute", "Attribute", "TexNoise", "MapRange", "Math", "Math", "Math")
    )
    for column, node in enumerate((places, spots, uneven, oil)):
        node.location = (-850 + 200 * column, 700)
    gloss.location, dull.location, shine.location = (-650, 500), (-450, 500), (-250, 500)
    gloss.attribute_name = GLOSS_ATTRIBUTE
    places.attribute_name = _PLACE
    spots.inputs["Scale"].default_value = _SPOTS_PER_METRE
    for end, share in zip(("To Min", "To Max"), _UNEVEN, strict=True):
        uneven.inputs[end].default_value = share * _OIL
    oil.operation = "MULTIPLY"
    tree.links.new(places.outputs["Vector"], spots.inputs["Vector"])
    tree.links.new(spots.outputs[0], uneven.inputs["Value"])
    tree.links.new(uneven.outputs["Result"], oil.inputs[0])
    tree.links.new(gloss.outputs["Fac"], oil.inputs[1])
    tree.links.new(oil.outputs[0], shader.inputs["Coat Weight"])
    dull.operation = "MULTIPLY"
    dull.use_clamp = True
    dull.inputs[1].default_value = _HAIR_GLOSS
    tree.links.new(gloss.outputs["Fac"], dull.inputs[0])
    level = shader.inputs["Specular IOR Level"]
    shine.name = shine.label = SHINE
    shine.operation = "MULTIPLY"
    shine.inputs[1].default_value = level.default_value
    tree.links.new(dull.outputs[0], shine.inputs[0])
    tree.links.new(shine.outputs[0], level)
    shader.inputs["Coat Roughness"].default_value = _OIL_ROUGHNESS
