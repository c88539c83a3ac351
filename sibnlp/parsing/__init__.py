"""How files hold text: archives, encodings, mark-up and page layout, parsed as hostile. Used by `sibnlp.readers`."""
