"""The networks: definitions only, no data and no training."""
