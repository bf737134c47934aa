"""What can be told of the film beside the head without a window; tests/window has the rest."""

import bpy


def test_without_a_window_there_is_a_reason(addon, make_take):
    bpy.ops.avface.import_take(filepath=str(make_take(12)))
    side_by_side = addon.side_by_side
    assert "in a window" in side_by_side.AVFACE_OT_side_by_side.disabled_reason(bpy.context)
    assert not bpy.ops.avface.side_by_side.poll()


def test_the_film_alone_counts_only_beside_a_head_alone(addon):
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    screen = bpy.data.screens["Layout"]
    area = addon.views.largest(addon.views.views_of(screen))
    space = area.spaces.active
    assert addon.side_by_side.film_area(screen) is None
    space.region_3d.view_perspective = "CAMERA"
    space.show_object_viewport_mesh = False
    assert addon.side_by_side.film_area(screen) is None, "an artist has hidden the meshes"
    space.show_object_viewport_mesh = True
    space.region_3d.view_perspective = "PERSP"
