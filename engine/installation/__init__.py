"""Makes the engine's own Python environment: started by the add-on in whatever Python it has.

Standard library only, Python 3.11 or later: nothing of the engine is installed yet.
"""
