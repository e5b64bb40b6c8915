"""The door in Slack: what people there see, type, fill in and press."""
