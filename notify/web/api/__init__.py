"""The HTTP API under /v1, its description and its documentation."""
