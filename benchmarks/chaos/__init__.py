"""Real processes, killed at random while they work; each message is accounted for at the provider's side."""
