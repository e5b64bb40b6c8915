"""A strict stand-in for Slack's Web API, as far as postbot uses it: it takes less than Slack and forgives nothing.

What it says of Slack is from docs.slack.dev (reference/methods, reference/block-kit, messaging/formatting-message-text);
that a reply to a thread which is gone becomes a message of its own is from github.com/slack-go/slack/issues/1571.
"""
