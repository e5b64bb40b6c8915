"""`postbot run`: what a team leaves running. It wraps the same tick; nothing in it decides."""
