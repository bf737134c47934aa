"""Protocol buffers without their library: the fields of a message, as they lie in a file.

What a field is called and what it means, the reader of a format knows. Nothing of a file is run.
"""

import mmap
from collections.abc import Iterator
from typing import cast

Data = mmap.mmap | bytes
Span = tuple[int, int]
"""First byte of a value of varying length, and the byte after its last."""


def varint(data: Data, place: int) -> tuple[int, int]:
    """A number of 7 bits a byte, and the place after it. Raises ValueError, IndexError."""
    value = shift = 0
    while True:
        byte = data[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
        shift += 7
        if shift > 63:
            raise ValueError("a number that doesn't end")


def fields(data: Data, span: Span) -> Iterator[tuple[int, int | Span | bytes]]:
    """(field number, value) of one message; a value of varying length is its span.

    Raises ValueError or IndexError where the bytes are no message.
    """
    place, end = span
    while place < end:
        key, place = varint(data, place)
        wire = key & 7
        if wire == 0:
            value, place = varint(data, place)
            yield key >> 3, value
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
            yield key >> 3, data[place : place + size]
            place += size
        elif wire == 2:
            size, place = varint(data, place)
            if place + size > end:
                raise ValueError("the file ends too early")
            yield key >> 3, (place, place + size)
            place += size
        else:
            raise ValueError(f"wire type {wire}")


def text(data: Data, value: object) -> str:
    """The string of a span."""
    start, stop = cast(Span, value)
    return data[start:stop].decode()
