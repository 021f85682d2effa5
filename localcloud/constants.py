"""The one account and Region of the local cloud."""

ACCOUNT = "123456789012"
REGION = "us-east-1"
