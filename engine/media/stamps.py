"""When the pictures of a film are shown: the files' own stamps, not a rate's."""

from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError

from .container import decode, film_of, is_counted, open_container

_CUT_SECONDS = 0.5  # a file that ends this much before its stated length has been cut off


def packet_stamps(path: Path) -> tuple[np.ndarray | None, np.ndarray, bool]:
    """Stamps of the pictures as the packets tell them, in order of showing; None if they don't.

    Also those of key pictures, and whether the file ends before the length that its header states.
    """
    stamps: list[int] = []
    keys: list[int] = []
    reached = 0.0  # seconds, the end of the last packet of any stream
    broken = False
    with open_container(path) as container:
        film = film_of(container)
        try:
            for packet in container.demux():
                if packet.size == 0:
                    continue  # the flush at the end
                if packet.is_corrupt:
                    broken = True
                    continue
                if packet.pts is not None and packet.time_base is not None:
                    ends = packet.pts + (packet.duration or 0)
                    reached = max(reached, float(ends * packet.time_base))
                if packet.stream.index != film.index or packet.is_discard:
                    continue  # sound, or cut away by the edit list
                if packet.pts is None:
                    return None, np.zeros(0, np.int64), broken
                stamps.append(packet.pts)
                if packet.is_keyframe:
                    keys.append(packet.pts)
        except FFmpegError:
            broken = True
        stated = ((container.duration or 0) + (container.start_time or 0)) / av.time_base
    unique = np.unique(np.array(stamps, np.int64))
    is_told = len(unique) == len(stamps) and len(unique) > 0
    broken |= stated - reached > _CUT_SECONDS
    return (unique if is_told else None), np.unique(np.array(keys, np.int64)), broken


def decoded_stamps(path: Path) -> tuple[np.ndarray, np.ndarray, bool]:
    """Stamps of the pictures that the decoder gives, rising, and of the key pictures among them.

    Also whether the last is damaged.
    """
    stamps: list[int] = []
    keys: list[int] = []
    is_damaged = False
    with open_container(path) as container:
        for frame in decode(container, film_of(container)):
            stamp = int(frame.pts)  # type: ignore[arg-type]
            if not stamps or stamp > stamps[-1]:
                stamps.append(stamp)
                is_damaged = frame.is_corrupt
                if frame.key_frame and not is_counted(container):
                    keys.append(stamp)
    return np.array(stamps, np.int64), np.array(keys, np.int64), is_damaged
