"""What starts a run. Each trigger makes one `StartRun` value and does nothing else."""
