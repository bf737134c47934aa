"""A take mended by an artist's word: frames corrected, whom to trust when, parts of other takes."""
