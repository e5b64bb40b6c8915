"""Strict stand-ins for the services that postbot talks to, each a process of its own, for tests only."""
