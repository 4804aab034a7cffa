"""Uploading disk images: what is to be created, and the steps from there to a volume that holds the image."""
