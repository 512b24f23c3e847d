"""What the control plane remembers: workflows, versions, deployments, variables, keys."""
