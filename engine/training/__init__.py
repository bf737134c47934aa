"""How the networks that AVFace ships were made, and how to make your own."""
