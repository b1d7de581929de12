"""`python -m notify` is the `notify` command."""

from notify.cli import main

main()
