"""Recipients as callers give them: one, or a file of them."""
