"""What is done with the consent ledger: sealed, followed, checked, exported; its head is mailed."""
