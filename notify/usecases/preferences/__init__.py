"""Preferences: who changes them and how it is recorded, undone, and confirmed."""
