"""Ways to a performance: the fit, AVFace's networks, SPECTRE's, descent on the clip itself."""
