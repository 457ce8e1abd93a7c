"""How projections are kept, followed, rebuilt and read."""
