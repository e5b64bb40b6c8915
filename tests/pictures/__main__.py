"""Make every picture of docs/hr.md anew."""

import sys

from tests.examples import ROOT
from tests.pictures.camera import NoChromiumError, draw, phone
from tests.pictures.scenes import pages

try:
    with phone() as page:
        draw(page, pages(), ROOT / "docs" / "hr")
except NoChromiumError as error:
    sys.exit(str(error))
