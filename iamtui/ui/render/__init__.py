"""Model to screen text: the only door. Everything here gives `rich.text.Text` or styled segments, never markup."""
