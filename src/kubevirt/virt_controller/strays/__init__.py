"""Start revisions that have lost their VM: taken over with the instance that was started from them, or removed."""
