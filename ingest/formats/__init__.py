"""One file a format: bytes into drafts of articles."""
