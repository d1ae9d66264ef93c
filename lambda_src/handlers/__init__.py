"""Lambda entry points: one thin module for each function, named after its state."""

from __future__ import annotations

import gc
import os

# Lambda imports this before anything else. What is imported and read from here on stays for good, so that looking
# through it for garbage, again and again while it grows, finds nothing: `made_at_init` ends the pause.
if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE"):
    gc.disable()
