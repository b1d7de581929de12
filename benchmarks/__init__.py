"""What the figures of the README come from, and what chaos leaves of a service."""
