"""What Sluice decides. Pure: no AWS, no clock, no environment, no logging; time is an argument."""
