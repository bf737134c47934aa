"""ARKit curves of a take on any head: exact on the default head, solved for on others."""

from dataclasses import replace

from ..exchange.arkit import Curves, curves_of
from ..exchange.head_file import HeadFile
from ..exchange.take import Take
from .bridge import default_head
from .transfer import transfer_take


def arkit_curves(take: Take, head: HeadFile) -> Curves:
    """The 52 curves; `head` is the take's own."""
    if "eyeBlinkLeft" not in take.expression_names:
        moved = transfer_take(take, head, default_head())
        # the head's turn stays the source's: heads may be modelled a little tilted to each other
        take = replace(moved, head_pose=take.head_pose)
    return curves_of(take)
