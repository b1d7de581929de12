"""Notifications as callers ask for them: checked, accepted, cancelled."""
