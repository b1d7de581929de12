"""What providers report: taken and kept, read in sets, and done what it means for messages and addresses."""
