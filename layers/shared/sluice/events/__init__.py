"""What comes in: events parsed once, at the edge, into values of ours."""
