"""Files of every key format, made by the tools that own the format."""
