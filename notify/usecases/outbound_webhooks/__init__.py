"""The shop's webhook endpoints, and what they are told."""
