"""What a person can see and do in the preference centre, one verb a file."""
