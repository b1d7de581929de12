"""When and where the work runs; whether and what is decided in `notify`."""
