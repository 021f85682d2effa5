"""One rollout machine and everything it talks to, in process, on virtual time, one step at a time.

The real definition, the real handlers, the real botocore; below botocore stands a small account of
plain values. So a test may stop between any two steps or any two API calls, copy the whole world,
and go on in each copy another way.
"""
