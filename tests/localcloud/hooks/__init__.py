"""That each hook is needed, shown: leave it out, and see some contract test fail."""
