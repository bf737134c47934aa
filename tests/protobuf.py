"""Messages of protocol buffers as files hold them, for readers to be tried on."""


def varint(value: int) -> bytes:
    """A number in pieces of 7 bits; a negative one as 64 bits."""
    value, out = value & (1 << 64) - 1, bytearray()
    while True:
        value, byte = value >> 7, value & 127
        out.append(byte | (128 if value else 0))
        if not value:
            return bytes(out)


def number(field: int, value: int) -> bytes:
    """A field that holds a number."""
    return varint(field << 3) + varint(value)


def block(field: int, content: bytes | str) -> bytes:
    """A field that holds a text, bytes or a message."""
    content = content.encode() if isinstance(content, str) else content
    return varint(field << 3 | 2) + varint(len(content)) + content
