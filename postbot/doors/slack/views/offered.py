"""What would come of a wish: the pull request with its exact lines, or why there is none, before anybody has asked.

Pure. The same that the plan will offer once the wish is filed.
"""

from dataclasses import replace

from postbot.core.lifecycle import Transition, Wish, wished_window
from postbot.core.plan.memory import Request
from postbot.core.plan.offers import offer
from postbot.core.plan.steps import Offer, Want
from postbot.core.plan.wants import request_branch
from postbot.core.posting import Posting
from postbot.doors.slack.views.scene import Scene


def offered(scene: Scene, posting: Posting, wish: Wish) -> Offer:
    """The offer for a wish as if it were filed at the scene's moment; an opening waits for its opening date."""
    now, seen = scene.now, scene.seen
    opens = wished_window(posting, wish).opens if wish.transition is Transition.OPEN else None
    request = Request(0, posting.path, wish, "", now)
    when = max(now, opens) if opens else now
    asked = replace(seen, memory=replace(seen.memory, requests=(*seen.memory.requests, request)))
    want = Want(posting, wish, when, when, request_branch(request, posting.slug), request)
    return offer(asked, want, scene.policy)
