"""The later home of the request and response classes."""
