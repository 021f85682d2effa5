"""Least privilege, shown: take each allowed action away, and see some test fail."""
