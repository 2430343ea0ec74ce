"""`python -m roompulse` is the console script."""

import sys

from roompulse.cli import main

sys.exit(main())
