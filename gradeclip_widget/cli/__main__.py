"""Run the command line: ``python -m gradeclip_widget.cli``."""

import sys

from .commands import main

sys.exit(main())
