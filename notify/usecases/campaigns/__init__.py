"""What is done with campaigns, one verb a file."""
