"""AWS on one machine: knows `template.yaml` and AWS, never `sluice`."""
