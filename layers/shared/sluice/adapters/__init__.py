"""What Sluice touches: one small class per AWS service, each handed its client."""
