"""Writes the generated pages of docs/reference from the models and the command line."""
