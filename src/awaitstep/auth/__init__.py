"""Who may do what, and how secrets are kept. Plain data in, plain data out."""
