"""Pages for people: unsubscribing, the preference centre, the outbox; HTML that needs no JavaScript."""
