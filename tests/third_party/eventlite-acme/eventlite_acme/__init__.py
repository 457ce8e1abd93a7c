"""Plugins for EventLite by somebody else."""
