"""Several replicas of the service on one PostgreSQL, in bad weather: killed, asleep, their database torn away."""
