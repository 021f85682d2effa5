"""What Sluice costs, measured on counts that do not depend on the machine."""
