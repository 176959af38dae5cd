"""`python examples/experiments [NAME…]`: see runner.py."""

import signal
import sys

from runner import main

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C
    sys.exit(main())
