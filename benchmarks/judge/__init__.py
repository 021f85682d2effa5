"""The canary judge on simulated services, beside the rules that others deploy with.

How often does it roll back what is fine, and how soon does it find what is not? That is what
`python -m benchmarks.judge` answers.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "layers" / "shared"))
