"""GitHub as a host: pull requests that are exact, on time and never made twice."""

from postbot.hosts.github.api import Api, App, SignIn, Token
from postbot.hosts.github.host import GitHubHost, Habits

__all__ = ["Api", "App", "GitHubHost", "Habits", "SignIn", "Token"]
