"""A posting's file as text: read, explained where it does not load, and edited exactly. Knows nothing of states."""
