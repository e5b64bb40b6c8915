"""Why a posting's front matter does not load: one sentence, at the line and column where a person must edit.

Both parsers that matter are asked: libyaml, which builds the site (Jekyll), and ruamel.yaml, which locates
our edits. A parser says where it gave up, often far below the mistake. So every rule here is a guess with a
repair, and a guess is believed when its repair lets the parser read further. The repair is a probe: it never
leaves this package, and nothing here changes a posting.

Pure. It must not raise, whatever the text, and must not guess at what a value means.
"""

from postbot.core.text.diagnosis.stops import Fault
from postbot.core.text.diagnosis.verdict import explain

__all__ = ["Fault", "explain"]
