"""SMS that people send, and what a STOP means here and at the provider."""
