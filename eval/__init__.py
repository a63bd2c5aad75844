"""Measures how well Isnad retrieves, quotes and refuses."""
