"""A person's rights: erasure, retention, and opt-outs that outlive the database."""
