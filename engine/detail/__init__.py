"""What shading says: the person's colours, the clip's light, relief and normal maps."""
