"""Sluice: event-driven versioning, deployment and rollback of models on AWS."""
