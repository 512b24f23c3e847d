"""Places that deployments run on. `port.py` says what each offers."""
