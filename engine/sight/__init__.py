"""What our own networks see in pictures of a face: points, covers, a performance without a fit."""
