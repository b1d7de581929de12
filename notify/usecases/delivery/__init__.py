"""The one door to the providers: what leaves, when and by which, and what a crash leaves behind."""
