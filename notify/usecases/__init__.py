"""What the service does: a package for each subject, one verb a file (decision 29)."""
