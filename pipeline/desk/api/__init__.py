"""The interface for other programs: JSON over HTTP, described in OpenAPI, a token per client."""
