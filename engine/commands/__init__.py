"""The commands of `python -m engine`, each with its flags; heavy imports wait for their command."""
