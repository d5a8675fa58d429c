"""Throwaway keys for test material: made by real tools, read back as numbers, named by their public half."""
