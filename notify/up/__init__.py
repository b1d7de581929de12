"""`notify up`: everything on one machine, supervised."""
