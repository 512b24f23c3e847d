"""The durable execution engine: it runs any Python workflow and knows nothing of graphs."""
