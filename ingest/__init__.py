"""From files to passages in the collection."""
