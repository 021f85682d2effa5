"""The ledger: one DynamoDB table, conditional writes only, the only memory Sluice has."""
