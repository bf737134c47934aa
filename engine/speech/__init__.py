"""What a clip's sound says of the face, and whether the two belong together."""
