"""What `virtctl why` and `virtctl doctor` know: from objects of the cluster to sentences for people. Pure."""
