"""A loopback AWS for what no emulator has: GAAD with a page cap, last accessed, `LookupEvents` with its real limits.

It speaks the botocore service models in both directions: requests are read by the input shapes, answers are written by the
output shapes, and a field that is not in the shape raises, so a test cannot pass on an answer AWS would never give.
"""

from .serving import AwsTestServer, Fault

__all__ = ["AwsTestServer", "Fault"]
