"""The headless siblings of every view: data on standard output, words on standard error."""
