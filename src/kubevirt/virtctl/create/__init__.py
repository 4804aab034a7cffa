"""What `virtctl create` makes: manifests, from flags alone. Nothing here asks a cluster."""
