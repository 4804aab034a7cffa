"""virtctl: the command line beside kubectl for what only virtual machines can do."""
