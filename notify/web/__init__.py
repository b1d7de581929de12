"""The web: HTTP in, use cases called, HTTP out."""
