"""Parts that are used beside the client itself: stand-ins for tests of your own code."""
