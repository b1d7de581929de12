"""What is done with the consent ledger, one verb a file: sealed, followed, checked, exported, its head mailed."""
