"""The one logger and the one metrics buffer; nobody else constructs either."""

from aws_lambda_powertools import Logger, Metrics

logger = Logger()
metrics = Metrics()
