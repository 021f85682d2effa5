"""The command line, `sluice`: what people ask of rollouts and say to them."""
